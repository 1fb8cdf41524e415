/// Sub (ONNX opset 7, 13, 14): a - b.
#include "layers/binary.h"
#include "layers/operators.h"

namespace swath {
namespace {

struct SubFunction {
  static constexpr std::string_view kType = "Sub";
  static constexpr bool kReadsValues = false;
  static constexpr bool kCommutes = false;
  static constexpr InputMap::Kind kInputMap = InputMap::Kind::kAdd;
  static double MapValue(double k) { return -k; }

  template <class T>
  static T F(T a, T b) {
    return a - b;
  }
  template <class T>
  static T Da(T, T) {
    return T(1);
  }
  template <class T>
  static T Db(T, T) {
    return T(-1);
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeSub(ConstantFirst constant_first) {
  return std::make_shared<BinaryLayer<SubFunction>>(constant_first);
}

std::shared_ptr<const Layer> SubFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return BinaryFromOnnx<SubFunction>(attributes, inputs);
}

}  // namespace swath
