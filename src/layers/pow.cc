/// Pow (ONNX opset 7, 12, 13, 15): x to the power of one constant.
#include "base/error.h"
#include "layers/unary.h"

namespace swath {
namespace {

class Pow final : public UnaryLayer<Pow> {
 public:
  explicit Pow(double exponent) : exponent_(exponent) {}

  std::string_view type() const override { return "Pow"; }
  std::vector<Setting> settings() const override {
    return {{"exponent", {exponent_}, Setting::Type::kScalar}};
  }

  template <class T>
  T F(T x) const {
    if (exponent_ == 2) return x * x;
    return std::pow(x, static_cast<T>(exponent_));
  }
  template <class T>
  T D(T x) const {
    if (exponent_ == 2) return T(2) * x;
    return static_cast<T>(exponent_) * std::pow(x, static_cast<T>(exponent_ - 1));
  }

 private:
  double exponent_;
};

}  // namespace

std::shared_ptr<const Layer> PowFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader(attributes).Finish();
  if (inputs.size() != 2 || inputs[0] || !inputs[1] || inputs[1]->size() != 1)
    Fail(ErrorCode::kUnsupported, "expected a computed base and one constant exponent");
  return std::make_shared<Pow>(inputs[1]->values[0]);
}

}  // namespace swath
