/// Clip (ONNX opset 6, 11, 12, 13): x, at least min and at most max. The derivative is 1 strictly between
/// them, else 0 (PyTorch's hardtanh; its clamp has 1 at the bounds themselves).
#include <cmath>
#include <limits>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class Clip final : public PointwiseActivation<Clip> {
 public:
  Clip(double min, double max) : min_(min), max_(max) {}

  std::string_view type() const override { return "Clip"; }
  std::vector<Setting> settings() const override {
    const auto setting = [](const char* name, double value) {
      if (std::isinf(value)) return Setting{};
      return Setting{name, {value}, Setting::Type::kScalar};
    };
    return {setting("min", min_), setting("max", max_)};
  }

  template <class T>
  T F(T x) const {
    return std::min(std::max(x, static_cast<T>(min_)), static_cast<T>(max_));
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > static_cast<T>(min_) && dst < static_cast<T>(max_) ? T(1) : T(0);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override { return x > min_ && x < max_ ? 1 : 0; }

 private:
  double min_;
  double max_;
};

}  // namespace

std::shared_ptr<const Layer> MakeClip(double min, double max) {
  if (!(min <= max)) Fail(ErrorCode::kUnsupported, "min is {} and max {}, expected min <= max", min, max);
  return std::make_shared<Clip>(min, max);
}

std::shared_ptr<const Layer> ClipFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  AttributeReader reader(attributes);  // until opset 10
  double min = reader.Float("min", -kInfinity), max = reader.Float("max", kInfinity);
  reader.Finish();
  const auto bound = [&](size_t i, double fallback) {
    if (inputs.size() <= i || !inputs[i]) return fallback;
    if (inputs[i]->size() != 1)
      Fail(ErrorCode::kUnsupported, "bound '{}' has {} values, expected one", inputs[i]->name,
           inputs[i]->size());
    return static_cast<double>(inputs[i]->values[0]);
  };
  return MakeClip(bound(1, min), bound(2, max));
}

}  // namespace swath
