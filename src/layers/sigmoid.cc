/// Sigmoid (ONNX opset 6, 13): 1 / (1 + exp(-x)).
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Sigmoid final : public PointwiseActivation<Sigmoid> {
 public:
  std::string_view type() const override { return "Sigmoid"; }

  template <class T>
  T F(T x) const {
    return T(1) / (T(1) + std::exp(-x));
  }
  template <class T>
  T FromDst(T dst) const {
    return dst * (T(1) - dst);
  }

 protected:
  double Value(double x) const override { return 1 / (1 + std::exp(-x)); }
  double Derivative(double x) const override {
    // From the output, as every framework has it: where f is 1 but for rounding, the derivative is rounding
    // too.
    const double y = Value(x);
    return y * (1 - y);
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeSigmoid() { return std::make_shared<Sigmoid>(); }

std::shared_ptr<const Layer> SigmoidFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeSigmoid();
}

}  // namespace swath
