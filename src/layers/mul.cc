/// Mul (ONNX opset 7, 13, 14): a · b.
#include "layers/binary.h"
#include "layers/operators.h"

namespace swath {
namespace {

struct MulFunction {
  static constexpr std::string_view kType = "Mul";
  static constexpr bool kReadsValues = true;
  static constexpr bool kCommutes = true;
  static constexpr InputMap::Kind kInputMap = InputMap::Kind::kMul;
  static double MapValue(double k) { return k; }

  template <class T>
  static T F(T a, T b) {
    return a * b;
  }
  template <class T>
  static T Da(T, T b) {
    return b;
  }
  template <class T>
  static T Db(T a, T) {
    return a;
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeMul(ConstantFirst constant_first) {
  return std::make_shared<BinaryLayer<MulFunction>>(constant_first);
}

std::shared_ptr<const Layer> MulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return BinaryFromOnnx<MulFunction>(attributes, inputs);
}

}  // namespace swath
