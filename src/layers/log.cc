/// Log (ONNX opset 6, 13): the natural logarithm.
#include "layers/unary.h"

namespace swath {
namespace {

class Log final : public UnaryLayer<Log> {
 public:
  std::string_view type() const override { return "Log"; }

  template <class T>
  T F(T x) const {
    return std::log(x);
  }
  template <class T>
  T D(T x) const {
    return T(1) / x;
  }
};

}  // namespace

std::shared_ptr<const Layer> LogFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return PlainFromOnnx<Log>(attributes, inputs);
}

}  // namespace swath
