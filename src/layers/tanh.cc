/// Tanh (ONNX opset 6, 13): tanh(x).
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Tanh final : public PointwiseActivation<Tanh> {
 public:
  std::string_view type() const override { return "Tanh"; }

  template <class T>
  T F(T x) const {
    return std::tanh(x);
  }
  template <class T>
  T FromDst(T dst) const {
    return T(1) - dst * dst;
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override {
    const double y = F(x);
    return 1 - y * y;
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeTanh() { return std::make_shared<Tanh>(); }

std::shared_ptr<const Layer> TanhFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeTanh();
}

}  // namespace swath
