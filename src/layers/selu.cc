/// Selu (ONNX opset 6, 22): gamma · x for x > 0, gamma · alpha · (exp(x) - 1) otherwise (Klambauer et al.
/// 2017).
#include <cmath>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Selu final : public PointwiseActivation<Selu> {
 public:
  Selu(double alpha, double gamma) : alpha_(alpha), gamma_(gamma) {}

  std::string_view type() const override { return "Selu"; }
  Attributes attributes() const override { return {{"alpha", alpha_}, {"gamma", gamma_}}; }

  template <class T>
  T F(T x) const {
    return static_cast<T>(gamma_) * (x > 0 ? x : static_cast<T>(alpha_) * std::expm1(x));
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > 0 ? static_cast<T>(gamma_) : dst + static_cast<T>(gamma_ * alpha_);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return x > 0 ? gamma_ : gamma_ * alpha_ * std::exp(x); }

 private:
  double alpha_;
  double gamma_;
};

}  // namespace

std::shared_ptr<const Layer> MakeSelu(double alpha, double gamma) {
  // The way back reads the sign of x off the output, so the function must not fold.
  if (!(alpha >= 0 && gamma > 0))
    Fail(ErrorCode::kUnsupported, "alpha is {} and gamma {}, expected at least 0 and more than 0", alpha,
         gamma);
  return std::make_shared<Selu>(alpha, gamma);
}

std::shared_ptr<const Layer> SeluFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double alpha = reader.Float("alpha", static_cast<double>(1.67326319217681884765625f));
  const double gamma = reader.Float("gamma", static_cast<double>(1.05070102214813232421875f));
  reader.Finish();
  return MakeSelu(alpha, gamma);
}

}  // namespace swath
