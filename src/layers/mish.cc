/// Mish (ONNX opset 18, 22): x · tanh(log(1 + exp(x))) (Misra 2019).
#include "layers/unary.h"

namespace swath {
namespace {

class Mish final : public UnaryLayer<Mish> {
 public:
  std::string_view type() const override { return "Mish"; }

  template <class T>
  T F(T x) const {
    return x * std::tanh(SoftplusOf(x));
  }
  template <class T>
  T D(T x) const {
    const T t = std::tanh(SoftplusOf(x));
    return t + x * (T(1) - t * t) / (T(1) + std::exp(-x));
  }

 private:
  template <class T>
  static T SoftplusOf(T x) {
    return std::max(x, T(0)) + std::log1p(std::exp(-std::abs(x)));
  }
};

}  // namespace

std::shared_ptr<const Layer> MishFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return PlainFromOnnx<Mish>(attributes, inputs);
}

}  // namespace swath
