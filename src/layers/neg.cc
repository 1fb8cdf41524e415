/// Neg (ONNX opset 6, 13): -x.
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Neg final : public PointwiseActivation<Neg> {
 public:
  std::string_view type() const override { return "Neg"; }

  template <class T>
  T F(T x) const {
    return -x;
  }
  template <class T>
  T FromDst(T dst) const {
    (void)dst;
    return T(-1);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override {
    (void)x;
    return -1;
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeNeg() { return std::make_shared<Neg>(); }

std::shared_ptr<const Layer> NegFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeNeg();
}

}  // namespace swath
