/// Exp (ONNX opset 6, 13): exp(x).
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Exp final : public PointwiseActivation<Exp> {
 public:
  std::string_view type() const override { return "Exp"; }

  template <class T>
  T F(T x) const {
    return std::exp(x);
  }
  template <class T>
  T FromDst(T dst) const {
    return dst;
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return F(x); }
};

}  // namespace

std::shared_ptr<const Layer> MakeExp() { return std::make_shared<Exp>(); }

std::shared_ptr<const Layer> ExpFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeExp();
}

}  // namespace swath
