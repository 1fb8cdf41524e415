/// LeakyRelu (ONNX opset 6, 16): x for x > 0, alpha · x otherwise.
#include "base/error.h"
#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class LeakyRelu final : public PointwiseActivation<LeakyRelu> {
 public:
  explicit LeakyRelu(double alpha) : alpha_(alpha) {}

  std::string_view type() const override { return "LeakyRelu"; }
  Attributes attributes() const override { return {{"alpha", alpha_}}; }

  template <class T>
  T F(T x) const {
    return x > 0 ? x : static_cast<T>(alpha_) * x;
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > 0 ? T(1) : static_cast<T>(alpha_);
  }

 protected:
  double Value(double x) const override { return x > 0 ? x : alpha_ * x; }
  double Derivative(double x) const override { return x > 0 ? 1 : alpha_; }

 private:
  double alpha_;
};

}  // namespace

std::shared_ptr<const Layer> MakeLeakyRelu(double alpha) {
  // The way back reads the sign of x off the output, so the function must not fold.
  if (!(alpha >= 0)) {
    Fail(ErrorCode::kUnsupported, "alpha is {}, expected a slope of at least 0", alpha);
  }
  return std::make_shared<LeakyRelu>(alpha);
}

std::shared_ptr<const Layer> LeakyReluFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double alpha = reader.Float("alpha", static_cast<double>(0.01f));
  reader.Finish();
  return MakeLeakyRelu(alpha);
}

}  // namespace swath
