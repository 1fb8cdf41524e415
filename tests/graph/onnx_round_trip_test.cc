#include <gtest/gtest.h>

#include <cstring>
#include <iterator>

#include "layers/layer.h"
#include "layers/layers.h"
#include "layers/registry.h"
#include "tests/graph/model_builder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

/// All but the tensors between: layers that ONNX spells as several nodes leave other ones.
void ExpectSameLayers(const Graph& a, const Graph& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.input_channels, b.input_channels);
  EXPECT_EQ(a.metadata, b.metadata);
  ASSERT_EQ(a.parameters.size(), b.parameters.size());
  for (size_t i = 0; i < a.parameters.size(); ++i) {
    const Parameter &p = a.parameters[i], &q = b.parameters[i];
    EXPECT_EQ(p.name, q.name);
    EXPECT_EQ(p.dims, q.dims) << p.name;
    EXPECT_EQ(p.trainable, q.trainable) << p.name;
    ASSERT_EQ(p.size(), q.size()) << p.name;
    EXPECT_EQ(std::memcmp(p.values.data(), q.values.data(), p.values.size() * sizeof(float)), 0) << p.name;
  }
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (size_t i = 0; i < a.nodes.size(); ++i) {
    const Node &m = a.nodes[i], &n = b.nodes[i];
    EXPECT_EQ(m.name, n.name);
    EXPECT_EQ(m.layer->type(), n.layer->type()) << m.name;
    EXPECT_EQ(m.layer->kind(), n.layer->kind()) << m.name;
    EXPECT_EQ(m.layer->attributes(), n.layer->attributes()) << m.name;
    EXPECT_EQ(m.parameters, n.parameters) << m.name;
    EXPECT_EQ(m.srcs.size(), n.srcs.size()) << m.name;
  }
}

void ExpectSame(const Graph& a, const Graph& b) {
  ExpectSameLayers(a, b);
  EXPECT_EQ(a.tensors, b.tensors);
  EXPECT_EQ(a.input, b.input);
  EXPECT_EQ(a.output, b.output);
  for (size_t i = 0; i < std::min(a.nodes.size(), b.nodes.size()); ++i) {
    const Node &m = a.nodes[i], &n = b.nodes[i];
    EXPECT_EQ(m.srcs, n.srcs) << m.name;
    EXPECT_EQ(m.dst, n.dst) << m.name;
  }
}

Graph RoundTrip(const Graph& graph) {
  const TemporaryFolder folder;
  ExportOnnx(graph, folder / "model.onnx");
  return ImportOnnx(folder / "model.onnx");
}

onnx::ModelProto Exported(const Graph& graph) {
  const TemporaryFolder folder;
  ExportOnnx(graph, folder / "model.onnx");
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(test::ReadFile(folder / "model.onnx")));
  return model;
}

Parameter Values(std::string name, std::vector<int64_t> dims) {
  int64_t size = 1;
  for (const int64_t dim : dims) size *= dim;
  Parameter parameter{.name = std::move(name), .dims = std::move(dims), .values = {}};
  for (int64_t i = 0; i < size; ++i) parameter.values.push_back(1.0f / static_cast<float>(i + 3));
  return parameter;
}

/// Every operator, with attributes that no default hides. One frozen parameter; names with commas.
Graph EveryOperator() {
  Graph graph;
  graph.name = "every operator";
  graph.input_channels = 4;
  graph.input = graph.AddTensor("x");
  Parameter one = Values("one", {1}), by_channel = Values("by channel", {4, 1, 1});
  one.trainable = by_channel.trainable = false;
  int t = graph.AddNode("add1", MakeAdd(), {graph.input}, {graph.AddParameter(one)});
  t = graph.AddNode("mul1", MakeMul(), {t}, {graph.AddParameter(by_channel)});
  const ConvAttributes conv = {
      .rows = {.kernel = 3, .stride = 2, .dilation = 2, .pad_begin = 1, .pad_end = 2},
      .columns = {.kernel = 5, .stride = 1, .dilation = 1, .pad_begin = 3, .pad_end = 0},
      .groups = 2};
  Parameter frozen = Values("frozen, and with a comma", {6, 2, 3, 5});
  frozen.trainable = false;
  t = graph.AddNode("conv", MakeConv(conv), {t},
                    {graph.AddParameter(frozen), graph.AddParameter(Values("cb", {6}))});
  t = graph.AddNode("leaky", MakeLeakyRelu(0.1), {t});
  const ConvAttributes transposed = {
      .rows = {.kind = Window::Kind::kScatter,
               .kernel = 3,
               .stride = 2,
               .dilation = 1,
               .pad_begin = 1,
               .output_padding = 1},
      .columns = {.kind = Window::Kind::kScatter, .kernel = 2, .stride = 3, .dilation = 2, .pad_end = 1},
      .groups = 1};
  t = graph.AddNode("transposed", MakeConvTranspose(transposed), {t},
                    {graph.AddParameter(Values("tw", {6, 2, 3, 2}))});
  const PoolAttributes pool = {
      .rows = {.kernel = 3, .stride = 2, .pad_begin = 1, .pad_end = 1, .rounding = Rounding::kCeil},
      .columns = {.kernel = 2, .stride = 1, .pad_begin = 1, .rounding = Rounding::kCeil},
      .count_include_pad = true};
  const int average = graph.AddNode("average", MakeAveragePool(pool), {t});
  PoolAttributes without = pool;
  without.count_include_pad = false;
  const int max = graph.AddNode("max", MakeMaxPool(without), {t});
  t = graph.AddNode("sum", MakeAdd(), {average, max});
  t = graph.AddNode("join", MakeConcat(), {t, max, average});
  t = graph.AddNode("resize", MakeResizeNearest(2, 3), {t});
  t = graph.AddNode("relu", MakeRelu(), {t});
  graph.output = graph.AddNode("sigmoid", MakeSigmoid(), {t});
  graph.tensors.back() = "probability";
  graph.metadata = {{"author", "someone"}, {"swath.extension", "200"}};
  return graph;
}

TEST(RoundTrip, BuiltInNetworks) {
  for (const std::string& name : BuiltInModelNames()) {
    SCOPED_TRACE(name);
    const Graph graph = BuiltInModel(name, 11);
    if (name == "convnext-tiny") {
      ExpectSameLayers(graph, RoundTrip(graph));
    } else {
      ExpectSame(graph, RoundTrip(graph));
    }
  }
}

TEST(RoundTrip, BuiltInNetworksWithOptions) {
  for (const char* name :
       {"unet:depth=2,base=8,norm=batch", "unet:depth=2,base=8,norm=group",
        "unet:depth=2,base=8,norm=instance", "unet:depth=2,base=8,up=resize", "resnet-18:head=max",
        "resnet-18:head=lse", "resnet-18:head=attention", "resnet-18:head=segmentation",
        "mobilenet-v2:head=attention,outputs=7", "convnext-tiny:head=lse", "convnext-tiny:head=attention",
        "convnext-tiny:head=segmentation"}) {
    SCOPED_TRACE(name);
    const Graph graph = BuiltInModel(name, 11, {"a", "b", "c"}), back = RoundTrip(graph);
    ExpectSameLayers(graph, back);
    if (graph.parameter_bytes() < 1 << 24) ExpectSameLayers(graph, RoundTrip(back));
  }
}

TEST(RoundTrip, EveryOperator) {
  const Graph graph = EveryOperator();
  const Graph back = RoundTrip(graph);
  // 0.1 is not a float; what comes back is what the file holds, and stays.
  EXPECT_FLOAT_EQ(static_cast<float>(std::get<double>(back.nodes[3].layer->attributes().at("alpha"))), 0.1f);
  ExpectSame(back, RoundTrip(back));
  Graph rounded = graph;
  rounded.nodes[3].layer = MakeLeakyRelu(double{0.1f});
  ExpectSame(rounded, back);
}

/// Layers that a file spells as several nodes come back as one.
TEST(RoundTrip, LayersThatAreSpelledOutComeBackWhole) {
  const std::shared_ptr<const Layer> layers[] = {
      MakeGelu(GeluApproximation::kNone), MakeGelu(GeluApproximation::kTanh),
      FindOperator("Mish")->make({}, {}), FindOperator("Swish")->make({}, {}),
      FindOperator("HardSwish")->make({}, {})};
  Graph graph;
  graph.name = "spelled";
  graph.input_channels = 4;
  graph.input = graph.AddTensor("x");
  int t = graph.AddNode("conv", MakeConv({}), {graph.input}, {graph.AddParameter(Values("w", {4, 4, 1, 1}))});
  for (size_t i = 0; i < std::size(layers); ++i) t = graph.AddNode("f" + std::to_string(i), layers[i], {t});
  const auto affine = [&](const std::string& name) {
    return std::vector<int>{graph.AddParameter(Values(name + ".weight", {4})),
                            graph.AddParameter(Values(name + ".bias", {4}))};
  };
  t = graph.AddNode("layer", MakeLayerNormalization(double{1e-3f}), {t}, affine("layer"));
  graph.output = graph.AddNode("group", MakeGroupNormalization(2, double{1e-3f}), {t}, affine("group"));
  const Graph back = RoundTrip(graph);
  ExpectSameLayers(graph, back);
  const Graph again = RoundTrip(back);
  ExpectSameLayers(graph, again);
  ExpectSameLayers(graph, RoundTrip(again));
}

/// What somebody else reads cannot go away.
TEST(RoundTrip, SpellingsWhosePartsAreReadElsewhereStay) {
  Graph graph;
  graph.name = "read";
  graph.input_channels = 4;
  graph.input = graph.AddTensor("x");
  const int x =
      graph.AddNode("conv", MakeConv({}), {graph.input}, {graph.AddParameter(Values("w", {4, 4, 1, 1}))});
  const int gate = graph.AddNode("gate", MakeSigmoid(), {x});
  const int product = graph.AddNode("product", MakeMul(), {x, gate});
  graph.output = graph.AddNode("both", MakeConcat(), {product, gate});
  const Graph back = RoundTrip(graph);
  ASSERT_EQ(back.nodes.size(), 4u);
  EXPECT_EQ(back.nodes[2].layer->type(), "Mul");
  ExpectSame(back, RoundTrip(back));
}

TEST(RoundTrip, SharedParametersStayShared) {
  Graph graph;
  graph.name = "shared";
  graph.input = graph.AddTensor("x");
  const int weights = graph.AddParameter(Values("w", {3, 3, 1, 1}));
  const int a = graph.AddNode("a", MakeConv({}), {graph.input}, {weights});
  graph.output = graph.AddNode("b", MakeConv({}), {a}, {weights});
  ExpectSame(graph, RoundTrip(graph));
}

TEST(RoundTrip, UnusualValuesKeepTheirBits) {
  Graph graph = BuiltInModel("pixel-mlp", 1);
  graph.parameters[2].values[0] = -0.0f;
  graph.parameters[2].values[1] = 1e-42f;  // subnormal
  graph.parameters[2].values[2] = 3.4e38f;
  ExpectSame(graph, RoundTrip(graph));
}

TEST(Export, IsTheSameFileEveryTime) {
  const TemporaryFolder folder;
  ExportOnnx(BuiltInModel("unet-4492", 3), folder / "a.onnx");
  ExportOnnx(BuiltInModel("unet-4492", 3), folder / "b.onnx");
  ExportOnnx(ImportOnnx(folder / "a.onnx"), folder / "c.onnx");
  EXPECT_EQ(test::ReadFile(folder / "a.onnx"), test::ReadFile(folder / "b.onnx"));
  EXPECT_EQ(test::ReadFile(folder / "a.onnx"), test::ReadFile(folder / "c.onnx"));
}

TEST(Export, SaysWhatReadersExpect) {
  const onnx::ModelProto model = Exported(BuiltInModel("unet-4492", 1));
  EXPECT_EQ(model.ir_version(), 8);
  ASSERT_EQ(model.opset_import_size(), 1);
  EXPECT_EQ(model.opset_import(0).version(), 17);
  const onnx::GraphProto& graph = model.graph();
  ASSERT_EQ(graph.input_size(), 1);
  EXPECT_EQ(graph.input(0).name(), "image");
  EXPECT_EQ(graph.output(0).name(), "logits");
  for (const auto* value : {&graph.input(0), &graph.output(0)}) {
    const auto& shape = value->type().tensor_type().shape();
    EXPECT_EQ(shape.dim(0).dim_param(), "N");
    EXPECT_EQ(shape.dim(2).dim_param(), "H");
    EXPECT_EQ(shape.dim(3).dim_param(), "W");
  }
  EXPECT_EQ(graph.input(0).type().tensor_type().shape().dim(1).dim_value(), 3);
  EXPECT_EQ(graph.output(0).type().tensor_type().shape().dim(1).dim_value(), 1);
  ASSERT_EQ(graph.initializer(0).name(), "normalise.shift");
  EXPECT_EQ(graph.initializer(0).dims_size(), 4);
  EXPECT_EQ(graph.initializer(0).dims(1), 3);
  for (const onnx::NodeProto& node : graph.node()) EXPECT_NE(node.name(), "");
}

TEST(Export, LeavesDefaultDilationsOutAndRaisesTheOpsetForOthers) {
  Graph graph;
  graph.input = graph.AddTensor("x");
  const Window plain = {.kernel = 2, .stride = 2}, dilated = {.kernel = 2, .dilation = 2};
  graph.output = graph.AddNode("pool", MakeAveragePool({.rows = plain, .columns = plain}), {graph.input});
  onnx::ModelProto model = Exported(graph);
  EXPECT_EQ(model.opset_import(0).version(), 17);
  for (const auto& attribute : model.graph().node(0).attribute()) EXPECT_NE(attribute.name(), "dilations");
  EXPECT_EQ(model.graph().output(0).type().tensor_type().shape().dim(2).dim_param(), "H_out");

  graph.nodes[0].layer = MakeAveragePool({.rows = dilated, .columns = plain});
  model = Exported(graph);
  EXPECT_EQ(model.opset_import(0).version(), 19);
}

TEST(Export, LeavesTheOldFileWhenItFails) {
  const TemporaryFolder folder;
  ExportOnnx(BuiltInModel("pixel-mlp", 1), folder / "model.onnx");
  const std::string before = test::ReadFile(folder / "model.onnx");
  Graph broken = BuiltInModel("pixel-mlp", 2);
  broken.tensors.back() = "image";
  EXPECT_THROW(ExportOnnx(broken, folder / "model.onnx"), Error);
  EXPECT_EQ(test::ReadFile(folder / "model.onnx"), before);
  const std::filesystem::directory_iterator files(std::filesystem::path(folder / "model.onnx").parent_path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST(Export, SaysWhereItCannotWrite) {
  const TemporaryFolder folder;
  try {
    ExportOnnx(BuiltInModel("pixel-mlp", 1), folder / "missing/model.onnx");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOutput);
    EXPECT_EQ(e.what(), (folder / "missing/model.onnx") + ": cannot be written: No such file or directory");
  }
}

TEST(LoadModel, TakesNamesAndFiles) {
  const TemporaryFolder folder;
  ExpectSame(LoadModel("unet-4492", 4), BuiltInModel("unet-4492", 4));
  ExportOnnx(BuiltInModel("unet-4492", 9), folder / "net.onnx");
  ExpectSame(LoadModel(folder / "net.onnx", 4), BuiltInModel("unet-4492", 9));
  try {
    LoadModel("u-net", 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(
        e.what(),
        "u-net: neither a file nor a built-in model (unet-4492, pixel-mlp, unet, resnet-18, resnet-34, "
        "resnet-50, mobilenet-v2, convnext-tiny)");
  }
}

}  // namespace
}  // namespace swath
