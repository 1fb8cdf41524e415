/// HardSigmoid (ONNX opset 6, 22): alpha · x + beta, clipped to [0, 1]. The derivative at the bends is 0.
#include <algorithm>
#include <cmath>

#include "layers/operators.h"
#include "layers/pointwise.h"

namespace swath {
namespace {

class HardSigmoid final : public PointwiseActivation<HardSigmoid> {
 public:
  HardSigmoid(double alpha, double beta) : alpha_(alpha), beta_(beta) {}

  std::string_view type() const override { return "HardSigmoid"; }
  Attributes attributes() const override { return {{"alpha", alpha_}, {"beta", beta_}}; }

  template <class T>
  T F(T x) const {
    return std::clamp(static_cast<T>(alpha_) * x + static_cast<T>(beta_), T(0), T(1));
  }
  template <class T>
  T FromDst(T dst) const {
    return dst > 0 && dst < 1 ? static_cast<T>(alpha_) : T(0);
  }

 protected:
  double Value(double x) const override { return F(x); }
  double Derivative(double x) const override {
    const double y = F(x);
    return y > 0 && y < 1 ? alpha_ : 0;
  }

 private:
  double alpha_;
  double beta_;
};

}  // namespace

std::shared_ptr<const Layer> MakeHardSigmoid(double alpha, double beta) {
  return std::make_shared<HardSigmoid>(alpha, beta);
}

std::shared_ptr<const Layer> HardSigmoidFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const double alpha = reader.Float("alpha", static_cast<double>(0.2f));
  const double beta = reader.Float("beta", 0.5);
  reader.Finish();
  return MakeHardSigmoid(alpha, beta);
}

}  // namespace swath
