#include <gtest/gtest.h>

#include <limits>

#include "layers/layer.h"
#include "tests/graph/model_builder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

void ExpectRefusal(const Refusal& refusal, ErrorCode code, const std::string& message) {
  EXPECT_EQ(refusal.code, code);
  EXPECT_EQ(refusal.message, message);
}
void ExpectInput(const ModelBuilder& model, const std::string& message) {
  ExpectRefusal(ImportRefusal(model), ErrorCode::kInput, message);
}
void ExpectUnsupported(const ModelBuilder& model, const std::string& message) {
  ExpectRefusal(ImportRefusal(model), ErrorCode::kUnsupported, message);
}

/// image -> Conv -> "out", to be spoilt.
ModelBuilder Valid() {
  ModelBuilder model;
  model.Conv("image", "out", "c1");
  return model;
}
onnx::TensorProto& Weights(ModelBuilder* model) {
  return *model->model.mutable_graph()->mutable_initializer(0);
}
onnx::GraphProto& File(ModelBuilder* model) { return *model->model.mutable_graph(); }

TEST(Import, Valid) {
  const Graph graph = Import(Valid());
  ASSERT_EQ(graph.nodes.size(), 1u);
  EXPECT_EQ(graph.nodes[0].name, "c1");
  EXPECT_EQ(graph.tensors[static_cast<size_t>(graph.output)], "out");
  EXPECT_EQ(OutputChannels(graph), 2);
  EXPECT_TRUE(graph.parameters[0].trainable);
}

TEST(Import, NamesNodesThatHaveNoneAndTellsNamesakesApart) {
  ModelBuilder model;
  model.Conv("image", "a");
  model.Node("Relu", {"a"}, "b", "same");
  model.Node("Relu", {"b"}, "c", "same");
  model.Node("Relu", {"c"}, "out", "two\nlines");
  const Graph graph = Import(model);
  EXPECT_EQ(graph.nodes[0].name, "Conv_0");
  EXPECT_EQ(graph.nodes[1].name, "same");
  EXPECT_EQ(graph.nodes[2].name, "same_2");
  EXPECT_EQ(graph.nodes[3].name, "two_lines");
}

/// The head of torchvision's ConvNeXt.
TEST(Import, NormalisesInCoreAlongTheLastAxis) {
  ModelBuilder model;
  model.Node("GlobalAveragePool", {"image"}, "pooled");
  ModelBuilder::Ints(&model.Node("Transpose", {"pooled"}, "last"), "perm", {0, 2, 3, 1});
  model.Floats("scale", {3});
  model.Floats("bias", {3});
  model.Node("LayerNormalization", {"last", "scale", "bias"}, "normal", "norm");
  ModelBuilder::Ints(&model.Node("Transpose", {"normal"}, "first"), "perm", {0, 3, 1, 2});
  model.Node("Flatten", {"first"}, "out");
  const Graph graph = Import(model);
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [](const Node& candidate) { return candidate.name == "norm"; });
  ASSERT_NE(node, graph.nodes.end());
  EXPECT_EQ(node->layer->kind(), LayerKind::kCore);
  EXPECT_EQ(ValidateGraph(graph)[static_cast<size_t>(node->dst)], (Shape{1, 1, 3}));
  EXPECT_EQ(OutputChannels(graph), 3);
}

TEST(Import, SortsNodesAndPrunesWhatTheOutputDoesNotNeed) {
  ModelBuilder model;
  model.Node("Relu", {"b"}, "out", "last");
  model.Node("NoSuchOperator", {"nowhere"}, "unused", "x");
  model.Floats("unused_w", {2});
  model.Node("Sigmoid", {"a"}, "b", "middle");
  model.Conv("image", "a", "first");
  const Graph graph = Import(model);
  ASSERT_EQ(graph.nodes.size(), 3u);
  EXPECT_EQ(graph.nodes[0].name, "first");
  EXPECT_EQ(graph.nodes[1].name, "middle");
  EXPECT_EQ(graph.nodes[2].name, "last");
  EXPECT_EQ(graph.parameters.size(), 1u);
}

TEST(Import, DropsIdentityAndKeepsDropout) {
  ModelBuilder model;
  model.Node("Identity", {"image"}, "i", "i");
  model.Floats("w", {2, 3, 1, 1});
  model.Node("Identity", {"w"}, "same_w", "iw");
  model.Node("Conv", {"i", "same_w"}, "a", "c");
  model.Floats("ratio", {}, 0.5f);
  model.Node("Dropout", {"a", "ratio"}, "out", "d").add_output("mask");
  const Graph graph = Import(model);
  ASSERT_EQ(graph.nodes.size(), 2u);
  EXPECT_EQ(graph.nodes[1].layer->settings()[0].values[0], 0.5);
  EXPECT_EQ(graph.parameters[0].name, "w");
  EXPECT_EQ(graph.tensors[static_cast<size_t>(graph.output)], "out");
}

TEST(Import, RefusesDropoutThatDrops) {
  ModelBuilder model;
  model.Conv("image", "a", "c");
  onnx::TensorProto& training = *File(&model).add_initializer();
  training.set_name("training");
  training.set_data_type(onnx::TensorProto::BOOL);
  training.add_int32_data(1);
  model.Node("Dropout", {"a", "", "training"}, "out", "d");
  ExpectUnsupported(model, "[Dropout d] is in training mode, expected inference: training switches it on");
  File(&model).mutable_initializer(1)->set_int32_data(0, 0);
  EXPECT_EQ(Import(model).nodes.size(), 2u);
}

TEST(Import, FoldsConstantNodes) {
  ModelBuilder model;
  onnx::NodeProto& constant = model.Node("Constant", {}, "w", "k");
  onnx::AttributeProto& value = *constant.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  *value.mutable_t() = ModelBuilder().Floats("", {5, 3, 1, 1}, 0.25f);
  model.Node("Conv", {"image", "w"}, "out", "c");
  const Graph graph = Import(model);
  EXPECT_EQ(graph.parameters[0].name, "w");
  EXPECT_EQ(graph.parameters[0].dims, (std::vector<int64_t>{5, 3, 1, 1}));
  EXPECT_EQ(graph.parameters[0].values[14], 0.25f);
}

TEST(Import, TakesRawData) {
  ModelBuilder model = Valid();
  const float values[6] = {1, 2, 3, 4, 5, 6};
  Weights(&model).clear_float_data();
  Weights(&model).set_raw_data(values, sizeof(values));
  EXPECT_EQ(Import(model).parameters[0].values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
}

TEST(Import, ConstantsOfNormalisationAreNotTrained) {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{1, 3, 1, 1}, {3, 1, 1}, {1}, {}}) {
    ModelBuilder model;
    model.Floats("mean", dims, 4.0f);
    model.Node("Sub", {"image", "mean"}, "a", "sub");
    model.Node("Div", {"a", "mean"}, "b", "div");
    model.Node("Add", {"mean", "b"}, "c", "add");
    model.Node("Mul", {"c", "mean"}, "d", "mul");
    model.Node("Add", {"d", "mean"}, "out", "again");
    const Graph graph = Import(model);
    const size_t count = dims.size() > 1 ? 3u : 1u;
    ASSERT_EQ(graph.parameters.size(), 1u);
    EXPECT_EQ(graph.parameters[0].values, std::vector<float>(count, 4.0f));
    EXPECT_EQ(graph.parameters[0].dims, dims);
    EXPECT_EQ(graph.nodes[0].layer->type(), "Sub");
    EXPECT_EQ(graph.nodes[1].layer->type(), "Div");
    EXPECT_TRUE(graph.nodes[2].layer->constant_first());
    EXPECT_EQ(graph.nodes[2].parameters, graph.nodes[4].parameters);
    EXPECT_EQ(graph.trainable_size(), 0);
  }
}

TEST(Import, ConstantsAfterWeightsAreTrained) {
  ModelBuilder model;
  model.Conv("image", "a");
  model.Floats("bias", {2, 1, 1}, 4.0f);
  model.Floats("half", {}, 0.5f);
  model.Node("Add", {"a", "bias"}, "b", "add");
  model.Node("Mul", {"b", "half"}, "out", "mul");
  const Graph graph = Import(model);
  ASSERT_EQ(graph.parameters.size(), 3u);
  EXPECT_TRUE(graph.parameters[1].trainable);
  EXPECT_FALSE(graph.parameters[2].trainable) << "a number of a formula";
}

TEST(Import, RefusesConstantsThatDoNotFit) {
  ModelBuilder wide;
  wide.Floats("k", {1, 1, 1, 8});
  wide.Node("Add", {"image", "k"}, "out", "add");
  ExpectUnsupported(wide,
                    "[Add add] an operand of dimensions [1, 1, 1, 8] beside a map of [1, 3, 80640, 120960]: "
                    "expected one value a "
                    "channel, or one in all");
  ModelBuilder channels;
  channels.Floats("k", {1, 4, 1, 1});
  channels.Node("Mul", {"image", "k"}, "out", "mul");
  EXPECT_EQ(ImportRefusal(channels).message.rfind("[Mul mul] ", 0), 0u);
}

TEST(Import, RefusesOperatorsByName) {
  ModelBuilder model;
  model.Conv("image", "a");
  model.Node("Einsum", {"a"}, "out", "sum");
  const Refusal refusal = ImportRefusal(model);
  EXPECT_EQ(refusal.code, ErrorCode::kUnsupported);
  EXPECT_EQ(refusal.message.rfind(
                "[Einsum sum] is not supported; supported operators are Abs, Add, AveragePool, ", 0),
            0u);
  ModelBuilder foreign = Valid();
  File(&foreign).mutable_node(0)->set_domain("com.example");
  ExpectUnsupported(foreign,
                    "[Conv c1] is of the domain 'com.example'; only ONNX's own operators are supported");
}

TEST(Import, RefusesOtherVersions) {
  for (const int64_t version : {6, 26}) {
    ModelBuilder model = Valid();
    model.model.mutable_opset_import(0)->set_version(version);
    ExpectUnsupported(model, "the model uses opset " + std::to_string(version) + ", expected 7 to 25");
  }
  ModelBuilder none = Valid();
  none.model.clear_opset_import();
  ExpectInput(none, "the model does not say which opset it uses");
  ModelBuilder future = Valid();
  auto* entry = future.model.add_metadata_props();
  entry->set_key("swath.version");
  entry->set_value("2");
  ExpectInput(future, "metadata swath.version is '2', expected a whole number from 1 to 1");
}

TEST(Import, RefusesInputsThatAreNoImage) {
  ModelBuilder two = Valid();
  ModelBuilder::Image(File(&two).add_input(), "second", 3);
  ExpectUnsupported(two, "the model has 2 inputs, expected one image");

  ModelBuilder half = Valid();
  File(&half).mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::FLOAT16);
  ExpectUnsupported(half, "the input 'image' is of type float16, expected float32");

  ModelBuilder flat = Valid();
  auto* shape = File(&flat).mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim()->RemoveLast();
  ExpectUnsupported(flat, "the input 'image' has 3 dimensions, expected 4 (batch, channels, height, width)");

  ModelBuilder batch = Valid();
  shape = File(&batch).mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim(0)->set_dim_value(8);
  ExpectUnsupported(batch, "the input 'image' has a batch of 8, expected 1 or one left open");
  shape->mutable_dim(0)->set_dim_value(-1);
  EXPECT_EQ(Import(batch).nodes.size(), 1u);
  shape->mutable_dim(0)->set_dim_param("N");
  shape->mutable_dim(2)->set_dim_value(480);
  EXPECT_EQ(Import(batch).nodes.size(), 1u);
  shape->mutable_dim(1)->set_dim_param("C");
  ExpectUnsupported(batch, "the input 'image' has 0 channels, expected a fixed number from 1 to 65536");
}

TEST(Import, RefusesOutputsThatAreNoMap) {
  ModelBuilder two = Valid();
  ModelBuilder::Image(File(&two).add_output(), "second", 0);
  ExpectUnsupported(two,
                    "the model has 2 outputs (out, second), expected one; swath model --output NAME -o FILE "
                    "writes it with one");

  ModelBuilder none = Valid();
  File(&none).mutable_output(0)->set_name("nowhere");
  ExpectInput(none, "nothing writes the output 'nowhere'");

  ModelBuilder input = Valid();
  File(&input).mutable_output(0)->set_name("image");
  ExpectUnsupported(input, "the output 'image' is not computed");

  ModelBuilder same;
  same.Node("Identity", {"image"}, "out", "i");
  ExpectUnsupported(same, "the output 'out' is not computed from the image");

  ModelBuilder declared = Valid();
  auto* shape = File(&declared).mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
  shape->mutable_dim(1)->set_dim_value(7);
  ExpectInput(declared, "the output 'out' is declared with 7 channels, but has 2");
}

TEST(Import, RefusesGraphsThatAreNone) {
  ModelBuilder cycle;
  cycle.Node("Add", {"image", "b"}, "a", "one");
  cycle.Node("Relu", {"a"}, "b", "two");
  cycle.Node("Relu", {"b"}, "out", "behind");
  const std::string message = ImportRefusal(cycle).message;
  EXPECT_TRUE(message == "[Add one] depends on its own output" ||
              message == "[Relu two] depends on its own output")
      << message;

  ModelBuilder self;
  self.Node("Add", {"image", "out"}, "out", "self");
  ExpectInput(self, "[Add self] depends on its own output");

  ModelBuilder twice = Valid();
  twice.Node("Relu", {"image"}, "out", "r");
  ExpectInput(twice, "[Relu r] writes 'out', which [Conv c1] writes already");

  ModelBuilder over = Valid();
  over.Node("Relu", {"image"}, "out_w", "r");
  ExpectInput(over, "[Relu r] writes 'out_w', which is an input or an initialiser already");

  ModelBuilder dangling = Valid();
  File(&dangling).mutable_node(0)->set_input(0, "missing");
  ExpectInput(dangling, "[Conv c1] reads 'missing', which nothing writes");

  ModelBuilder namesakes = Valid();
  namesakes.Floats("out_w", {1});
  ExpectInput(namesakes, "two initialisers are named 'out_w'");
}

TEST(Import, RefusesSecondOutputs) {
  ModelBuilder model;
  onnx::NodeProto& pool = model.Node("MaxPool", {"image"}, "a", "pool");
  ModelBuilder::Ints(&pool, "kernel_shape", {2, 2});
  pool.add_output("indices");
  model.Node("Relu", {"indices"}, "out", "r");
  ExpectUnsupported(model,
                    "[Relu r] reads 'indices', an additional output of a node, which is not supported");
}

TEST(Import, RefusesConstantsWhoseDataDoNotFit) {
  ModelBuilder few = Valid();
  Weights(&few).mutable_float_data()->RemoveLast();
  ExpectInput(few, "[Conv c1] constant 'out_w' of dimensions [2, 3, 1, 1] has 5 values, expected 6");

  ModelBuilder ragged = Valid();
  Weights(&ragged).clear_float_data();
  Weights(&ragged).set_raw_data(std::string(25, '\0'));
  ExpectInput(
      ragged,
      "[Conv c1] constant 'out_w' of dimensions [2, 3, 1, 1] has 6 values and a fraction, expected 6");

  ModelBuilder twice = Valid();
  Weights(&twice).set_raw_data(std::string(24, '\0'));
  ExpectInput(twice,
              "[Conv c1] constant 'out_w' of dimensions [2, 3, 1, 1] has 6 values given twice, expected 6");

  ModelBuilder negative = Valid();
  Weights(&negative).set_dims(0, -2);
  ExpectInput(negative, "[Conv c1] constant 'out_w' has a dimension of -2");

  ModelBuilder huge = Valid();
  Weights(&huge).set_dims(0, int64_t{1} << 32);
  Weights(&huge).set_dims(2, int64_t{1} << 32);
  ExpectInput(
      huge, "[Conv c1] constant 'out_w' has dimensions [4294967296, 3, 4294967296, 1], too large to be true");
}

TEST(Import, RefusesConstantsOfOtherKinds) {
  ModelBuilder type = Valid();
  Weights(&type).set_data_type(onnx::TensorProto::DOUBLE);
  for (int i = 0; i < 6; ++i) Weights(&type).add_double_data(i);
  ExpectUnsupported(type, "[Conv c1] constant 'out_w' is of type float64, expected float32");
  Weights(&type).set_data_type(99);
  ExpectUnsupported(type, "[Conv c1] constant 'out_w' is of type number 99, expected float32");
  Weights(&type).set_data_type(onnx::TensorProto::INT64);
  Weights(&type).clear_float_data();
  for (int i = 0; i < 6; ++i) Weights(&type).add_int64_data(i);
  ExpectUnsupported(type, "[Conv c1] constant 'out_w' is of type int64, expected float32");

  ModelBuilder external = Valid();
  Weights(&external).set_data_location(onnx::TensorProto::EXTERNAL);
  ExpectRefusal(ImportRefusal(external), ErrorCode::kInput,
                "[Conv c1] constant 'out_w': external data is in '', expected a file in the model's folder");
  onnx::StringStringEntryProto& location = *Weights(&external).add_external_data();
  location.set_key("location");
  location.set_value("../weights.bin");
  ExpectRefusal(ImportRefusal(external), ErrorCode::kInput,
                "[Conv c1] constant 'out_w': external data is in '../weights.bin', expected a file in the "
                "model's folder");

  ModelBuilder infinite = Valid();
  Weights(&infinite).set_float_data(4, std::numeric_limits<float>::infinity());
  ExpectRefusal(ImportRefusal(infinite), ErrorCode::kNumeric,
                "[Conv c1] constant 'out_w' has a value that is not finite (number 4)");
}

TEST(Import, RefusesParametersAndAttributesThatDoNotFit) {
  ModelBuilder channels;
  channels.Floats("w", {2, 4, 1, 1});
  channels.Node("Conv", {"image", "w"}, "out", "c");
  ExpectUnsupported(channels, "[Conv c] the weights are for 4 source channels, found 3");

  ModelBuilder constant = Valid();
  constant.Floats("k", {1, 2, 8, 8});
  File(&constant).mutable_node(0)->set_output(0, "a");
  constant.Node("Concat", {"a", "k"}, "out", "join");
  EXPECT_EQ(ImportRefusal(constant).message.rfind("[Concat join] ", 0), 0u);

  ModelBuilder strange = Valid();
  ModelBuilder::Ints(File(&strange).mutable_node(0), "strange", {1});
  ExpectUnsupported(strange, "[Conv c1] attribute 'strange' is not supported");

  ModelBuilder huge = Valid();
  ModelBuilder::Ints(File(&huge).mutable_node(0), "pads", {0, 0, int64_t{1} << 62, 0});
  ExpectUnsupported(huge,
                    "[Conv c1] attribute 'pads' holds 4611686018427387904, expected at most 1073741824");

  ModelBuilder twice = Valid();
  ModelBuilder::Ints(File(&twice).mutable_node(0), "strides", {1, 1});
  ModelBuilder::Ints(File(&twice).mutable_node(0), "strides", {2, 2});
  ExpectInput(twice, "[Conv c1] attribute 'strides' is given twice");
}

TEST(Import, FreezesWhatTheMetadataNames) {
  ModelBuilder model = Valid();
  auto* entry = model.model.add_metadata_props();
  entry->set_key("swath.frozen");
  entry->set_value("out_w");
  const Graph graph = Import(model);
  EXPECT_EQ(graph.trainable_size(), 0);
  EXPECT_EQ(graph.metadata.count("swath.frozen"), 0u);
  entry->set_value("other");
  ExpectInput(model, "metadata swath.frozen names 'other', which is not a parameter");
  entry->set_value("out_w");
  *model.model.add_metadata_props() = *entry;
  ExpectInput(model, "metadata swath.frozen is given twice");
}

TEST(Import, AcceptsNetworksThatFitOnlySomeSizes) {
  ModelBuilder model;  // without pads, the skip fits only where the size is odd
  onnx::NodeProto& pool = model.Node("MaxPool", {"image"}, "half", "pool");
  ModelBuilder::Ints(&pool, "kernel_shape", {3, 3});
  ModelBuilder::Ints(&pool, "strides", {2, 2});
  model.Floats("w", {3, 3, 3, 3});
  onnx::NodeProto& up = model.Node("ConvTranspose", {"half", "w"}, "whole", "up");
  ModelBuilder::Ints(&up, "strides", {2, 2});
  model.Node("Add", {"image", "whole"}, "out", "skip");
  EXPECT_EQ(Import(model).nodes.size(), 3u);
}

void WriteFile(const std::string& path, const std::string& bytes) { test::WriteFile(path, bytes); }

TEST(ImportFile, RefusesWhatIsNoModel) {
  const TemporaryFolder folder;
  ExpectRefusal(ImportRefusal(folder / "missing.onnx"), ErrorCode::kInput,
                "cannot be opened: No such file or directory");
  ExpectRefusal(ImportRefusal(folder / "."), ErrorCode::kInput, "is a folder, expected an ONNX model");
  WriteFile(folder / "empty.onnx", "");
  ExpectRefusal(ImportRefusal(folder / "empty.onnx"), ErrorCode::kInput, "is empty, expected an ONNX model");
  WriteFile(folder / "text.onnx", "slide,mask,split\n");
  EXPECT_EQ(ImportRefusal(folder / "text.onnx").code, ErrorCode::kInput);
}

TEST(ImportFile, EveryTruncationIsRefusedOrStillAModel) {
  const TemporaryFolder folder;
  ExportOnnx(BuiltInModel("pixel-mlp", 1), folder / "whole.onnx");
  const std::string whole = test::ReadFile(folder / "whole.onnx");
  int refused = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    WriteFile(folder / "cut.onnx", whole.substr(0, size));
    try {
      ImportOnnx(folder / "cut.onnx");
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).rfind(folder / "cut.onnx", 0), 0u);
      ++refused;
    }
  }
  // Only cuts behind the graph, between two entries of the metadata, can leave a model.
  EXPECT_GT(refused, static_cast<int>(whole.size()) - 8);
}

TEST(ImportFile, DamagedBytesAreRefusedOrReadWithoutACrash) {
  const TemporaryFolder folder;
  ExportOnnx(BuiltInModel("pixel-mlp", 1), folder / "whole.onnx");
  const std::string whole = test::ReadFile(folder / "whole.onnx");
  for (size_t i = 0; i < whole.size(); i += 3) {
    for (const int flip : {0x01, 0x80, 0xff}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      WriteFile(folder / "damaged.onnx", damaged);
      try {
        ImportOnnx(folder / "damaged.onnx");
      } catch (const Error& e) {
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos);
      }
    }
  }
}

TEST(ImportFile, SharedBrokenModel) {
  const std::string path =
      std::string(SWATH_SHARED_DATA) + "/broken/bad_graph_with_parallel_invalid_nodes.onnx";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  EXPECT_NE(ImportRefusal(path).message, "");
}

}  // namespace
}  // namespace swath
