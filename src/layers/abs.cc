/// Abs (ONNX opset 6, 13): |x|. The derivative at 0 is 0, as in PyTorch.
#include "layers/unary.h"

namespace swath {
namespace {

class Abs final : public UnaryLayer<Abs> {
 public:
  std::string_view type() const override { return "Abs"; }

  template <class T>
  T F(T x) const {
    return std::abs(x);
  }
  template <class T>
  T D(T x) const {
    return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);
  }
};

}  // namespace

std::shared_ptr<const Layer> AbsFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return PlainFromOnnx<Abs>(attributes, inputs);
}

}  // namespace swath
