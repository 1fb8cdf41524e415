/// Reciprocal (ONNX opset 6, 13): 1 / x.
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Reciprocal final : public PointwiseActivation<Reciprocal> {
 public:
  std::string_view type() const override { return "Reciprocal"; }

  template <class T>
  T F(T x) const {
    return T(1) / x;
  }
  template <class T>
  T FromDst(T dst) const {
    return -dst * dst;
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return -1 / (x * x); }
};

}  // namespace

std::shared_ptr<const Layer> MakeReciprocal() { return std::make_shared<Reciprocal>(); }

std::shared_ptr<const Layer> ReciprocalFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader(attributes).Finish();
  return MakeReciprocal();
}

}  // namespace swath
