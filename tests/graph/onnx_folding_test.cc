/// What is computed of constants when a model is read, as ONNX defines it.
#include "graph/onnx_folding.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "swath/error.h"

namespace swath {
namespace {

using testing::ElementsAre;

Constant Floats(std::vector<int64_t> dims, std::vector<float> values) {
  return {.name = "", .dims = std::move(dims), .floats = std::move(values), .integers = {}};
}
Constant Integers(std::vector<int64_t> dims, std::vector<int64_t> values) {
  return {.name = "",
          .dims = std::move(dims),
          .floats = {},
          .integers = std::move(values),
          .type = onnx::TensorProto::INT64};
}

onnx::NodeProto Node(const std::string& type) {
  onnx::NodeProto node;
  node.set_op_type(type);
  return node;
}
onnx::NodeProto With(onnx::NodeProto node, const std::string& name, int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return node;
}
onnx::NodeProto With(onnx::NodeProto node, const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
  return node;
}

Constant Fold(const onnx::NodeProto& node, const std::vector<Constant>& inputs) {
  EXPECT_TRUE(CanFold(node.op_type())) << node.op_type();
  std::vector<const Constant*> pointers;
  for (const Constant& input : inputs) pointers.push_back(&input);
  return FoldNode(node, pointers, "");
}

ErrorCode Refusal(const onnx::NodeProto& node, const std::vector<Constant>& inputs) {
  try {
    Fold(node, inputs);
  } catch (const Error& e) {
    return e.code();
  }
  ADD_FAILURE() << node.op_type() << " was accepted";
  return {};
}

TEST(Folding, ArithmeticBroadcasts) {
  const Constant sum = Fold(Node("Add"), {Floats({2, 1}, {1, 10}), Floats({3}, {1, 2, 3})});
  EXPECT_THAT(sum.dims, ElementsAre(2, 3));
  EXPECT_THAT(sum.floats, ElementsAre(2, 3, 4, 11, 12, 13));
  EXPECT_THAT(Fold(Node("Max"), {Floats({}, {2}), Floats({2}, {1, 3}), Floats({1}, {2.5f})}).floats,
              ElementsAre(2.5f, 3));
  EXPECT_THAT(Fold(Node("Pow"), {Floats({2}, {2, 3}), Floats({}, {2})}).floats, ElementsAre(4, 9));
  EXPECT_THAT(Fold(Node("Sqrt"), {Floats({2}, {4, 9})}).floats, ElementsAre(2, 3));
  EXPECT_EQ(Refusal(Node("Add"), {Floats({2}, {1, 2}), Floats({3}, {1, 2, 3})}), ErrorCode::kInput);
}

TEST(Folding, IntegersDivideTowardsZero) {
  EXPECT_THAT(Fold(Node("Div"), {Integers({3}, {7, -7, 8}), Integers({}, {2})}).integers,
              ElementsAre(3, -3, 4));
  EXPECT_THAT(Fold(Node("Div"), {Floats({1}, {7}), Floats({}, {2})}).floats, ElementsAre(3.5f));
  EXPECT_EQ(Refusal(Node("Div"), {Integers({1}, {7}), Integers({}, {0})}), ErrorCode::kNumeric);
  EXPECT_EQ(Refusal(Node("Div"), {Floats({1}, {7}), Floats({}, {0})}), ErrorCode::kNumeric) << "not finite";
}

TEST(Folding, CastsCut) {
  const auto cast = [](int type) { return With(Node("Cast"), "to", int64_t{type}); };
  const Constant integers = Fold(cast(onnx::TensorProto::INT64), {Floats({3}, {2.9f, -2.9f, 0})});
  EXPECT_FALSE(integers.is_float());
  EXPECT_THAT(integers.integers, ElementsAre(2, -2, 0));
  EXPECT_THAT(Fold(cast(onnx::TensorProto::BOOL), {Floats({2}, {2, 0})}).integers, ElementsAre(1, 0));
  EXPECT_THAT(Fold(cast(onnx::TensorProto::FLOAT), {Integers({1}, {3})}).floats, ElementsAre(3));
  EXPECT_EQ(Refusal(cast(onnx::TensorProto::STRING), {Integers({1}, {3})}), ErrorCode::kUnsupported);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(Refusal(cast(onnx::TensorProto::INT64), {Floats({1}, {kNan})}), ErrorCode::kNumeric);
}

/// The arithmetic on sizes that exporters leave behind.
TEST(Folding, ShapesArePickedApart) {
  const Constant x = Floats({2, 3, 4}, std::vector<float>(24));
  EXPECT_THAT(Fold(Node("Shape"), {x}).integers, ElementsAre(2, 3, 4));
  EXPECT_THAT(Fold(Node("Size"), {x}).integers, ElementsAre(24));
  const Constant shape = Integers({4}, {1, 3, 50, 70});
  const Constant one = Fold(Node("Gather"), {shape, Integers({}, {-2})});
  EXPECT_TRUE(one.dims.empty());
  EXPECT_THAT(one.integers, ElementsAre(50));
  const Constant slice =
      Fold(Node("Slice"), {shape, Integers({1}, {-2}), Integers({1}, {INT64_MAX}), Integers({1}, {0})});
  EXPECT_THAT(slice.integers, ElementsAre(50, 70));
  EXPECT_THAT(Fold(Node("Unsqueeze"), {one, Integers({1}, {0})}).dims, ElementsAre(1));
  EXPECT_THAT(Fold(With(Node("Concat"), "axis", int64_t{0}), {slice, shape}).integers,
              ElementsAre(50, 70, 1, 3, 50, 70));
  EXPECT_EQ(Refusal(Node("Gather"), {shape, Integers({}, {4})}), ErrorCode::kInput);
  const auto sliced = [&](int64_t start, int64_t end, int64_t step) -> std::vector<Constant> {
    return {shape, Integers({1}, {start}), Integers({1}, {end}), Integers({1}, {0}), Integers({1}, {step})};
  };
  EXPECT_THAT(Fold(Node("Slice"), sliced(-1, INT64_MIN, -1)).integers, ElementsAre(70, 50, 3, 1));
  EXPECT_THAT(Fold(Node("Slice"), sliced(3, 0, -1)).integers, ElementsAre(70, 50, 3));
  EXPECT_THAT(Fold(Node("Slice"), sliced(9, -4, -2)).integers, ElementsAre(70, 3));
  EXPECT_THAT(Fold(Node("Slice"), sliced(0, 4, 3)).integers, ElementsAre(1, 70));
  EXPECT_EQ(Refusal(Node("Slice"), sliced(0, 4, 0)), ErrorCode::kUnsupported);
  EXPECT_THAT(Fold(With(With(Node("Shape"), "start", int64_t{1}), "end", int64_t{-1}), {x}).integers,
              ElementsAre(3));
  EXPECT_EQ(Refusal(With(Node("Size"), "colour", int64_t{1}), {x}), ErrorCode::kUnsupported);
}

TEST(Folding, RearrangesWeights) {
  const Constant x = Floats({2, 3}, {0, 1, 2, 3, 4, 5});
  const Constant turned = Fold(Node("Transpose"), {x});
  EXPECT_THAT(turned.dims, ElementsAre(3, 2));
  EXPECT_THAT(turned.floats, ElementsAre(0, 3, 1, 4, 2, 5));
  const Constant cube = Floats({2, 1, 2}, {0, 1, 2, 3});
  const Constant moved = Fold(With(Node("Transpose"), "perm", std::vector<int64_t>{2, 0, 1}), {cube});
  EXPECT_THAT(moved.dims, ElementsAre(2, 2, 1));
  EXPECT_THAT(moved.floats, ElementsAre(0, 2, 1, 3));
  const Constant joined = Fold(With(Node("Concat"), "axis", int64_t{1}), {x, Floats({2, 1}, {8, 9})});
  EXPECT_THAT(joined.dims, ElementsAre(2, 4));
  EXPECT_THAT(joined.floats, ElementsAre(0, 1, 2, 8, 3, 4, 5, 9));
  EXPECT_THAT(Fold(Node("Reshape"), {x, Integers({3}, {0, -1, 1})}).dims, ElementsAre(2, 3, 1));
  EXPECT_THAT(Fold(With(Node("Flatten"), "axis", int64_t{0}), {x}).dims, ElementsAre(1, 6));
  EXPECT_THAT(Fold(Node("Squeeze"), {cube}).dims, ElementsAre(2, 2));
  const Constant wide = Fold(Node("Expand"), {Floats({2, 1}, {1, 2}), Integers({2}, {1, 3})});
  EXPECT_THAT(wide.floats, ElementsAre(1, 1, 1, 2, 2, 2));
}

/// What no model has that is well formed must not be read past its end.
TEST(Folding, RefusesWhatDoesNotFit) {
  const Constant x = Floats({2, 3}, {0, 1, 2, 3, 4, 5});
  for (const std::vector<int64_t>& perm : {std::vector<int64_t>{0, 0}, {1, -1}, {0, 2}, {0}, {0, 1, 1}}) {
    EXPECT_THAT(Refusal(With(Node("Transpose"), "perm", perm), {x}),
                testing::AnyOf(ErrorCode::kInput, ErrorCode::kUnsupported));
  }
  EXPECT_EQ(Refusal(With(Node("Concat"), "axis", int64_t{1}), {x, Floats({3, 1}, {6, 7, 8})}),
            ErrorCode::kInput);
  EXPECT_EQ(Refusal(With(Node("Concat"), "axis", int64_t{0}), {Floats({}, {1})}), ErrorCode::kInput);
  EXPECT_EQ(Refusal(Node("Reshape"), {x, Integers({2}, {4, -1})}), ErrorCode::kUnsupported);
  EXPECT_EQ(Refusal(Node("Squeeze"), {x, Integers({1}, {0})}), ErrorCode::kInput);
  EXPECT_EQ(Refusal(Node("Expand"), {x, Integers({2}, {int64_t{1} << 20, int64_t{1} << 20})}),
            ErrorCode::kUnsupported);
  EXPECT_EQ(Refusal(Node("Neg"), {}), ErrorCode::kInput);
}

}  // namespace
}  // namespace swath
