/// What must not be read as another network, or crash: sizes that are numbers, attributes that are easily
/// overlooked, operands of the wrong kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "layers/layer.h"
#include "tests/graph/model_builder.h"

namespace swath {
namespace {

using testing::HasSubstr;

class Model : public ModelBuilder {
 public:
  explicit Model(int64_t opset = 13) { model.mutable_opset_import(0)->set_version(opset); }

  /// The input as the file declares it.
  Model& Declared(int64_t height, int64_t width) {
    auto* shape =
        model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
    shape->mutable_dim(2)->set_dim_value(height);
    shape->mutable_dim(3)->set_dim_value(width);
    return *this;
  }
  void Integers(const std::string& name, const std::vector<int64_t>& values) {
    onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(static_cast<int64_t>(values.size()));
    for (const int64_t value : values) tensor.add_int64_data(value);
  }
  void Int(onnx::NodeProto* node, const std::string& name, int64_t value) {
    onnx::AttributeProto& attribute = *node->add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(value);
  }
  void Text(onnx::NodeProto* node, const std::string& name, const std::string& value) {
    onnx::AttributeProto& attribute = *node->add_attribute();
    attribute.set_name(name);
    attribute.set_type(onnx::AttributeProto::STRING);
    attribute.set_s(value);
  }
  /// The number of pixels of the image, as a float32.
  void PixelCount(const std::string& name) {
    Node("Shape", {"image"}, name + "_shape");
    Integers(name + "_at", {2});
    Node("Gather", {name + "_shape", name + "_at"}, name + "_rows");
    Int(&Node("Cast", {name + "_rows"}, name), "to", onnx::TensorProto::FLOAT);
  }
};

std::string RefusalOf(const Model& model) { return ImportRefusal(model).message; }

// Sizes.

TEST(OnnxSizes, ANumberThatFollowsTheImageIsRefused) {
  for (const char* type : {"Mul", "Add", "Sub", "Div"}) {
    Model model;
    model.Conv("image", "a");
    model.PixelCount("n");
    model.Node(type, {"a", "n"}, "out");
    EXPECT_THAT(RefusalOf(model),
                HasSubstr("depends on the size of the image in a way that is not a fixed ratio"))
        << type;
  }
}

TEST(OnnxSizes, AsASlopeToo) {
  Model model;
  model.PixelCount("n");
  model.Node("PRelu", {"image", "n"}, "out");
  EXPECT_THAT(RefusalOf(model), HasSubstr("depends on the size of the image"));
}

TEST(OnnxSizes, WithADeclaredSizeTheNetworkIsForThatSize) {
  Model model;
  model.Declared(32, 48);
  model.Conv("image", "a");
  model.PixelCount("n");
  model.Node("Mul", {"a", "n"}, "out");
  const Graph graph = Import(model);
  EXPECT_EQ(graph.fixed_height, 32);
  EXPECT_EQ(graph.fixed_width, 48);
}

TEST(OnnxSizes, NumbersOfChannelsDoNotCount) {
  Model model;
  model.Declared(32, 48);
  model.Conv("image", "a");
  model.Node("Shape", {"image"}, "shape");
  model.Integers("one", {1});
  model.Node("Gather", {"shape", "one"}, "channels");
  model.Int(&model.Node("Cast", {"channels"}, "c"), "to", onnx::TensorProto::FLOAT);
  model.Node("Mul", {"a", "c"}, "out");
  EXPECT_EQ(Import(model).fixed_height, 0);
}

TEST(OnnxSizes, SamePadsOfADeclaredSizeAreThoseOfThatSize) {
  Model model;
  model.Declared(9, 9);
  onnx::NodeProto& conv = model.Conv("image", "out");
  model.Text(&conv, "auto_pad", "SAME_UPPER");
  ModelBuilder::Ints(&conv, "strides", {2, 2});
  EXPECT_EQ(Import(model).fixed_height, 9);
}

TEST(OnnxSizes, SamePadsOfATransposedConvolutionAreThoseOfAnySize) {
  Model model;
  model.Floats("w", {3, 2, 3, 3});
  onnx::NodeProto& up = model.Node("ConvTranspose", {"image", "w"}, "out");
  model.Text(&up, "auto_pad", "SAME_UPPER");
  ModelBuilder::Ints(&up, "strides", {2, 2});
  const Graph graph = Import(model);
  EXPECT_EQ(InferShapes(graph, 5, 7)[static_cast<size_t>(graph.output)], (Shape{2, 14, 10}));
}

/// Rows `begin` to `end`, of 32.
Model SliceOfRows(int64_t begin, int64_t end) {
  Model model;
  model.Declared(32, 48);
  model.Integers("starts", {begin});
  model.Integers("ends", {end});
  model.Integers("axes", {2});
  model.Node("Slice", {"image", "starts", "ends", "axes"}, "a");
  model.Conv("a", "out");
  return model;
}

TEST(OnnxSizes, RowsCountedFromBothEndsAreThoseOfAnyImage) {
  EXPECT_EQ(Import(SliceOfRows(2, -3)).fixed_height, 0);
  EXPECT_EQ(Import(SliceOfRows(0, std::numeric_limits<int64_t>::max())).fixed_height, 0);
  EXPECT_EQ(Import(SliceOfRows(0, 4)).fixed_height, 32);
  EXPECT_EQ(Import(SliceOfRows(-4, 32)).fixed_height, 32);
}

// One value a channel that ONNX has made larger.

Model Enlarged() {
  Model model;
  model.Node("GlobalAveragePool", {"image"}, "pooled");
  model.Floats("scales", {4}, 4).set_float_data(0, 1);
  model.model.mutable_graph()->mutable_initializer(0)->set_float_data(1, 1);
  model.Node("Resize", {"pooled", "", "scales"}, "large");
  return model;
}

TEST(OnnxSpread, IsNoMapForAWindow) {
  Model model = Enlarged();
  model.Floats("w", {2, 3, 3, 3});
  ModelBuilder::Ints(&model.Node("Conv", {"large", "w"}, "out"), "pads", {1, 1, 1, 1});
  EXPECT_THAT(RefusalOf(model), HasSubstr("reads one value a channel, enlarged to [1, 3, 4, 4]"));
}

TEST(OnnxSpread, StaysSoThroughArithmetic) {
  Model model = Enlarged();
  model.Floats("half", {1});
  model.Node("Mul", {"large", "half"}, "a");
  model.Node("Add", {"a", "large"}, "b");
  model.Node("Flatten", {"b"}, "out");
  EXPECT_THAT(RefusalOf(model), HasSubstr("enlarged to [1, 3, 4, 4]"));
}

// Attributes.

TEST(OnnxAttributes, AReductionOverNothingMayBeNothing) {
  Model model;
  model.Floats("w", {1, 3, 1, 1});
  model.Node("Conv", {"image", "w"}, "a");
  onnx::NodeProto& sum = model.Node("ReduceSum", {"a"}, "out");
  model.Int(&sum, "noop_with_empty_axes", 1);
  EXPECT_EQ(Import(model).nodes.size(), 1u);
}

TEST(OnnxAttributes, TheBatchMayGoWithTheChannels) {
  Model model;
  onnx::NodeProto& mean = model.Node("ReduceMean", {"image"}, "a");
  ModelBuilder::Ints(&mean, "axes", {0, 1});
  model.Int(&mean, "keepdims", 0);
  model.Integers("axes", {0, 1});
  model.Node("Unsqueeze", {"a", "axes"}, "out");
  const Graph graph = Import(model);
  EXPECT_EQ(InferShapes(graph, 5, 7)[static_cast<size_t>(graph.output)], (Shape{1, 7, 5}));
}

TEST(OnnxAttributes, AnAspectRatioThatRoundsIsRefused) {
  Model model(19);
  model.Declared(5, 7);
  model.Integers("sizes", {8, 9});
  onnx::NodeProto& resize = model.Node("Resize", {"image", "", "", "sizes"}, "out");
  model.Text(&resize, "keep_aspect_ratio_policy", "not_larger");
  ModelBuilder::Ints(&resize, "axes", {2, 3});
  EXPECT_THAT(RefusalOf(model), HasSubstr("keep_aspect_ratio_policy is 'not_larger'"));
}

TEST(OnnxAttributes, SlicesOfOldOpsetsGoToTheEnd) {
  Model model(9);
  onnx::NodeProto& slice = model.Node("Slice", {"image"}, "a");
  ModelBuilder::Ints(&slice, "starts", {1});
  ModelBuilder::Ints(&slice, "ends", {std::numeric_limits<int64_t>::max()});
  ModelBuilder::Ints(&slice, "axes", {1});
  model.Floats("w", {1, 2, 1, 1});
  model.Node("Conv", {"a", "w"}, "out");
  EXPECT_EQ(Import(model).nodes.size(), 2u);
}

TEST(OnnxAttributes, StatisticsOfImageOrFileAreForWhoTrains) {
  Model model(15);
  model.Conv("image", "a");
  for (const char* name : {"scale", "bias", "mean", "variance"}) model.Floats(name, {2});
  onnx::NodeProto& norm = model.Node("BatchNormalization", {"a", "scale", "bias", "mean", "variance"}, "out");
  model.Int(&norm, "training_mode", 1);
  EXPECT_FALSE(UsesImageStatistics(Import(model)));
}

// Constants.

TEST(OnnxConstants, MergedOnesAreWeightsAndStatisticsApart) {
  Model model(15);
  model.Conv("image", "a");
  model.Floats("one", {2}, 1);
  model.Floats("zero", {2}, 0);
  model.Node("BatchNormalization", {"a", "one", "zero", "zero", "one"}, "b", "first");
  model.Node("BatchNormalization", {"b", "one", "zero", "zero", "one"}, "out", "second");
  const Graph graph = Import(model);
  const Node &first = graph.nodes[1], &second = graph.nodes[2];
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(graph.parameters[static_cast<size_t>(first.parameters[i])].trainable, i < 2);
    EXPECT_EQ(first.parameters[i] == second.parameters[i], i < 2) << "weights are shared as in the file";
  }
}

TEST(OnnxConstants, IntegersAreNoMatrix) {
  Model model;
  onnx::TensorProto& matrix = *model.model.mutable_graph()->add_initializer();
  matrix.set_name("m");
  matrix.set_data_type(onnx::TensorProto::INT64);
  matrix.add_dims(3);
  matrix.add_dims(1);
  for (int i = 0; i < 3; ++i) matrix.add_int64_data(i);
  ModelBuilder::Ints(&model.Node("Transpose", {"image"}, "last"), "perm", {0, 2, 3, 1});
  model.Node("MatMul", {"last", "m"}, "out");
  EXPECT_THAT(RefusalOf(model), HasSubstr("B is of type int64, expected float32"));
}

TEST(OnnxConstants, SlicesMayGoBackward) {
  // How PyTorch spells the pads of F.pad.
  Model model;
  model.Integers("pads", {1, 2, 3, 4, 0, 0, 0, 0});
  model.Integers("shape", {-1, 2});
  model.Node("Reshape", {"pads", "shape"}, "pairs");
  model.Integers("starts", {-1});
  model.Integers("ends", {std::numeric_limits<int64_t>::min() + 1});
  model.Integers("axes", {0});
  model.Integers("steps", {-1});
  model.Node("Slice", {"pairs", "starts", "ends", "axes", "steps"}, "reversed");
  model.Node("Transpose", {"reversed"}, "turned");
  model.Integers("flat", {-1});
  model.Node("Reshape", {"turned", "flat"}, "all");
  model.Node("Pad", {"image", "all"}, "a");
  model.Conv("a", "out");
  const Graph graph = Import(model);
  const Shape shape = InferShapes(graph, 10, 20)[static_cast<size_t>(graph.output)];
  EXPECT_EQ(shape.width, 10 + 1 + 2);
  EXPECT_EQ(shape.height, 20 + 3 + 4);
}

// What does not fit.

TEST(OnnxRefusals, NameWhatIsWrong) {
  {
    Model model;
    model.Declared(8, 8);
    onnx::NodeProto& conv = model.Conv("image", "out");
    model.Text(&conv, "auto_pad", "SAME_UPPER");
    ModelBuilder::Ints(&conv, "strides", {0, 0});
    EXPECT_THAT(RefusalOf(model), HasSubstr("strides are [0, 0], expected 2 of at least 1"));
  }
  {
    Model model;
    model.Declared(8, 8);
    model.Floats("w", {3, 2, 3, 3});
    onnx::NodeProto& up = model.Node("ConvTranspose", {"image", "w"}, "out");
    ModelBuilder::Ints(&up, "output_shape", {5});
    EXPECT_THAT(RefusalOf(model), HasSubstr("output_shape is [5], expected rows and columns"));
  }
  {
    Model model;
    model.Integers("axes", {5, 5, 5});
    model.Node("Unsqueeze", {"image", "axes"}, "out");
    EXPECT_THAT(RefusalOf(model), HasSubstr("axes [5, 5, 5] are not distinct"));
  }
  {
    Model model;
    model.Integers("shape", {-1, -1});
    model.Node("Reshape", {"image", "shape"}, "out");
    EXPECT_THAT(RefusalOf(model), HasSubstr("the shape is [-1, -1], expected at most one -1"));
  }
  {
    Model model;
    model.Floats("w", {1, 3, 1, 1});
    model.Node("Conv", {"image", "w"}, "a");
    model.Node("GlobalAveragePool", {"a"}, "pooled");
    model.Node("Squeeze", {"pooled"}, "number");
    model.Floats("m", {1, 2});
    model.Node("MatMul", {"number", "m"}, "out");
    EXPECT_THAT(RefusalOf(model), HasSubstr("A has no dimensions"));
  }
  {
    Model model;
    model.Integers("sizes", {1, 1});
    onnx::NodeProto& split = model.Node("Split", {"image", "sizes"}, "out");
    split.add_output("other");
    model.Int(&split, "axis", 1);
    EXPECT_THAT(RefusalOf(model), HasSubstr("splits 3 into [1, 1]"));
  }
}

TEST(OnnxOutputs, ThatAreLeftOutCostNothing) {
  Model model;
  onnx::NodeProto& split = model.Node("Split", {"image"}, "out");
  model.Int(&split, "axis", 1);
  split.add_output("");
  split.add_output("");
  const Graph graph = Import(model);
  EXPECT_EQ(graph.nodes.size(), 1u);
  const TemporaryFolder folder;
  ExportOnnx(graph, folder / "again.onnx");
  EXPECT_EQ(OutputChannels(ImportOnnx(folder / "again.onnx")), 1);
}

// Fused spellings.

/// (x - mean) / sqrt(mean((x - mean)²) + 1e-5) · scale + bias, both means over `axes`.
Model Normalisation(const std::vector<int64_t>& axes, bool square_by_product) {
  Model model;
  model.Conv("image", "x");
  ModelBuilder::Ints(&model.Node("ReduceMean", {"x"}, "mean"), "axes", axes);
  model.Node("Sub", {"x", "mean"}, "centred");
  model.Floats("two", {}, 2);
  if (square_by_product) {
    model.Node("Mul", {"centred", "centred"}, "square");
  } else {
    model.Node("Pow", {"centred", "two"}, "square");
  }
  ModelBuilder::Ints(&model.Node("ReduceMean", {"square"}, "variance"), "axes", axes);
  model.Floats("epsilon", {}, 1e-5f);
  model.Node("Add", {"variance", "epsilon"}, "sum");
  model.Node("Sqrt", {"sum"}, "root");
  model.Node("Div", {"centred", "root"}, "normal");
  model.Floats("scale", {2, 1, 1});
  model.Floats("bias", {2, 1, 1});
  model.Node("Mul", {"normal", "scale"}, "scaled");
  model.Node("Add", {"scaled", "bias"}, "out");
  return model;
}

TEST(OnnxFusion, ANormalisationOverChannelsIsALayerNormalization) {
  for (const bool product : {false, true}) {
    const Graph graph = Import(Normalisation({1}, product));
    ASSERT_EQ(graph.nodes.size(), 2u);
    EXPECT_EQ(graph.nodes[1].layer->type(), "LayerNormalization");
  }
}

TEST(OnnxFusion, OneOverPixelsIsNot) {
  for (const bool product : {false, true}) {
    for (const Node& node : Import(Normalisation({2, 3}, product)).nodes)
      EXPECT_NE(node.layer->type(), "LayerNormalization");
  }
}

}  // namespace
}  // namespace swath
