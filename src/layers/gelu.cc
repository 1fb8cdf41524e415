/// Gelu (ONNX opset 20): x · Φ(x), Φ of the normal distribution (Hendrycks & Gimpel 2016); approximate 'tanh'
/// takes a tanh for it.
#include "base/error.h"
#include "layers/unary.h"

namespace swath {
namespace {

class Gelu final : public UnaryLayer<Gelu> {
 public:
  explicit Gelu(GeluApproximation approximation) : tanh_(approximation == GeluApproximation::kTanh) {}

  std::string_view type() const override { return "Gelu"; }
  Attributes attributes() const override { return {{"approximate", std::string(tanh_ ? "tanh" : "none")}}; }

  template <class T>
  T F(T x) const {
    if (!tanh_) return x * T(0.5) * std::erfc(-x * T(M_SQRT1_2));
    return x * T(0.5) * (T(1) + std::tanh(Inner(x)));
  }
  template <class T>
  T D(T x) const {
    if (!tanh_) {
      return T(0.5) * std::erfc(-x * T(M_SQRT1_2)) +
             x * std::exp(x * x * T(-0.5)) * T(M_SQRT1_2 / std::sqrt(M_PI));
    }
    const T t = std::tanh(Inner(x));
    return T(0.5) * (T(1) + t) + x * T(0.5) * (T(1) - t * t) * T(kScale) * (T(1) + T(3 * kCube) * x * x);
  }

 private:
  static constexpr double kScale = 0.79788456080286535588;  // √(2 / π)
  static constexpr double kCube = 0.044715;

  template <class T>
  static T Inner(T x) {
    return T(kScale) * (x + T(kCube) * x * x * x);
  }

  bool tanh_;
};

}  // namespace

std::shared_ptr<const Layer> MakeGelu(GeluApproximation approximation) {
  return std::make_shared<Gelu>(approximation);
}

std::shared_ptr<const Layer> GeluFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const std::string approximate = reader.String("approximate", "none");
  reader.Finish();
  if (approximate != "none" && approximate != "tanh")
    Fail(ErrorCode::kUnsupported, "approximate is '{}', expected none or tanh", approximate);
  return MakeGelu(approximate == "tanh" ? GeluApproximation::kTanh : GeluApproximation::kNone);
}

}  // namespace swath
