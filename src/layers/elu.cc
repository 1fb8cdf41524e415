/// Elu (ONNX opset 6, 22): x for x > 0, alpha · (exp(x) - 1) otherwise.
#include <cmath>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Elu final : public PointwiseActivation<Elu> {
 public:
  explicit Elu(double alpha) : alpha_(alpha) {}

  std::string_view type() const override { return "Elu"; }
  Attributes attributes() const override { return {{"alpha", alpha_}}; }

  template <class T>
  T F(T x) const {
    return x > 0 ? x : static_cast<T>(alpha_) * std::expm1(x);
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > 0 ? T(1) : dst + static_cast<T>(alpha_);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return x > 0 ? 1 : alpha_ * std::exp(x); }

 private:
  double alpha_;
};

}  // namespace

std::shared_ptr<const Layer> MakeElu(double alpha) {
  // The way back reads the sign of x off the output, so the function must not fold.
  if (!(alpha >= 0)) Fail(ErrorCode::kUnsupported, "alpha is {}, expected a scale of at least 0", alpha);
  return std::make_shared<Elu>(alpha);
}

std::shared_ptr<const Layer> EluFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double alpha = reader.Float("alpha", 1);
  reader.Finish();
  return MakeElu(alpha);
}

}  // namespace swath
