/// Softplus (ONNX opset 1, 22): log(1 + exp(x)), which does not overflow.
#include <algorithm>
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Softplus final : public PointwiseActivation<Softplus> {
 public:
  std::string_view type() const override { return "Softplus"; }

  template <class T>
  T F(T x) const {
    return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
  }
  template <class T>
  T FromDst(T dst) const {
    return -std::expm1(-dst);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return 1 / (1 + std::exp(-x)); }
};

}  // namespace

std::shared_ptr<const Layer> MakeSoftplus() { return std::make_shared<Softplus>(); }

std::shared_ptr<const Layer> SoftplusFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeSoftplus();
}

}  // namespace swath
