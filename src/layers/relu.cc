/// Relu (ONNX opset 6, 13, 14). The derivative at 0 is 0, as in PyTorch.
#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Relu final : public PointwiseActivation<Relu> {
 public:
  std::string_view type() const override { return "Relu"; }

  template <class T>
  T F(T x) const {
    return x > 0 ? x : T(0);
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > 0 ? T(1) : T(0);
  }

 protected:
  double Value(double x) const override { return x > 0 ? x : 0; }
  double Derivative(double x) const override { return x > 0 ? 1 : 0; }
};

}  // namespace

std::shared_ptr<const Layer> MakeRelu() { return std::make_shared<Relu>(); }

std::shared_ptr<const Layer> ReluFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeRelu();
}

}  // namespace swath
