/// HardSwish (ONNX opset 14, 22): x · clip(x / 6 + 1 / 2, 0, 1). The derivative at the bends is that of the
/// outer side.
#include "layers/unary.h"

namespace swath {
namespace {

class HardSwish final : public UnaryLayer<HardSwish> {
 public:
  std::string_view type() const override { return "HardSwish"; }

  template <class T>
  T F(T x) const {
    return x <= -3 ? T(0) : x >= 3 ? x : x * (x + T(3)) / T(6);
  }
  template <class T>
  T D(T x) const {
    return x <= -3 ? T(0) : x >= 3 ? T(1) : (T(2) * x + T(3)) / T(6);
  }
};

}  // namespace

std::shared_ptr<const Layer> HardSwishFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return PlainFromOnnx<HardSwish>(attributes, inputs);
}

}  // namespace swath
