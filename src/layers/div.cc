/// Div (ONNX opset 7, 13, 14): a / b.
#include "layers/binary.h"
#include "layers/operators.h"

namespace swath {
namespace {

struct DivFunction {
  static constexpr std::string_view kType = "Div";
  static constexpr bool kReadsValues = true;
  static constexpr bool kCommutes = false;
  static constexpr InputMap::Kind kInputMap = InputMap::Kind::kMul;
  static double MapValue(double k) { return 1 / k; }

  template <class T>
  static T F(T a, T b) {
    return a / b;
  }
  template <class T>
  static T Da(T, T b) {
    return T(1) / b;
  }
  template <class T>
  static T Db(T a, T b) {
    return -a / (b * b);
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeDiv(ConstantFirst constant_first) {
  return std::make_shared<BinaryLayer<DivFunction>>(constant_first);
}

std::shared_ptr<const Layer> DivFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return BinaryFromOnnx<DivFunction>(attributes, inputs);
}

}  // namespace swath
