/// Swish (ONNX opset 24): x · sigmoid(alpha · x); SiLU where alpha is 1.
#include "layers/unary.h"

namespace swath {
namespace {

class Swish final : public UnaryLayer<Swish> {
 public:
  explicit Swish(double alpha) : alpha_(alpha) {}

  std::string_view type() const override { return "Swish"; }
  Attributes attributes() const override { return {{"alpha", alpha_}}; }

  template <class T>
  T F(T x) const {
    return x / (T(1) + std::exp(-static_cast<T>(alpha_) * x));
  }
  template <class T>
  T D(T x) const {
    const T a = static_cast<T>(alpha_), s = T(1) / (T(1) + std::exp(-a * x));
    return s + a * x * s * (T(1) - s);
  }

 private:
  double alpha_;
};

}  // namespace

std::shared_ptr<const Layer> MakeSwish(double alpha) { return std::make_shared<Swish>(alpha); }

std::shared_ptr<const Layer> SwishFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double alpha = reader.Float("alpha", 1);
  reader.Finish();
  return MakeSwish(alpha);
}

}  // namespace swath
