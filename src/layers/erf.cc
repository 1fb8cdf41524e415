/// Erf (ONNX opset 9, 13): the error function.
#include "layers/unary.h"

namespace swath {
namespace {

class Erf final : public UnaryLayer<Erf> {
 public:
  std::string_view type() const override { return "Erf"; }

  template <class T>
  T F(T x) const {
    return std::erf(x);
  }
  template <class T>
  T D(T x) const {
    return T(2 / std::sqrt(M_PI)) * std::exp(-x * x);
  }
};

}  // namespace

std::shared_ptr<const Layer> ErfFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return PlainFromOnnx<Erf>(attributes, inputs);
}

}  // namespace swath
