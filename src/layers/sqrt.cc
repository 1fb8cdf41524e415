/// Sqrt (ONNX opset 6, 13): √x.
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Sqrt final : public PointwiseActivation<Sqrt> {
 public:
  std::string_view type() const override { return "Sqrt"; }

  template <class T>
  T F(T x) const {
    return std::sqrt(x);
  }
  template <class T>
  T FromDst(T dst) const {
    return T(0.5) / dst;
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return 0.5 / F(x); }
};

}  // namespace

std::shared_ptr<const Layer> MakeSqrt() { return std::make_shared<Sqrt>(); }

std::shared_ptr<const Layer> SqrtFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeSqrt();
}

}  // namespace swath
