/// Add (ONNX opset 7, 13, 14): a + b.
#include "layers/binary.h"
#include "layers/operators.h"

namespace swath {
namespace {

struct AddFunction {
  static constexpr std::string_view kType = "Add";
  static constexpr bool kReadsValues = false;
  static constexpr bool kCommutes = true;
  static constexpr InputMap::Kind kInputMap = InputMap::Kind::kAdd;
  static double MapValue(double k) { return k; }

  template <class T>
  static T F(T a, T b) {
    return a + b;
  }
  template <class T>
  static T Da(T, T) {
    return T(1);
  }
  template <class T>
  static T Db(T, T) {
    return T(1);
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeAdd(ConstantFirst constant_first) {
  return std::make_shared<BinaryLayer<AddFunction>>(constant_first);
}

std::shared_ptr<const Layer> AddFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return BinaryFromOnnx<AddFunction>(attributes, inputs);
}

}  // namespace swath
