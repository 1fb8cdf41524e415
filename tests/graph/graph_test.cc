#include "swath/graph.h"

#include <gtest/gtest.h>

#include "graph/downsample.h"
#include "layers/layers.h"
#include "swath/error.h"

namespace swath {
namespace {

Window Kernel(int64_t kernel, int64_t stride, int64_t pad) {
  return {.kernel = kernel, .stride = stride, .pad_begin = pad, .pad_end = pad};
}

std::shared_ptr<const Layer> SquareConv(const Window& window) {
  return MakeConv({.rows = window, .columns = window});
}

std::shared_ptr<const Layer> SquarePool(int64_t stride) {
  const Window window = Kernel(stride, stride, 0);
  return MakeMaxPool({.rows = window, .columns = window});
}

Parameter Weights(std::vector<int64_t> dims) {
  int64_t size = 1;
  for (const int64_t dim : dims) size *= dim;
  return {
      .name = "w", .dims = std::move(dims), .values = std::vector<float>(static_cast<size_t>(size), 1.0f)};
}

Graph WithImage() {
  Graph graph;
  graph.input = graph.output = graph.AddTensor("image");
  return graph;
}

template <class Function>
std::string Message(Function function) {
  try {
    function();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Graph, NodesWriteNewTensorsNamedAfterThem) {
  Graph graph = WithImage();
  const int parameter = graph.AddParameter(Weights({5, 3, 3, 3}));
  const int dst = graph.AddNode("conv", SquareConv(Kernel(3, 1, 1)), {graph.input}, {parameter});
  EXPECT_EQ(graph.tensors.at(static_cast<size_t>(dst)), "conv:0");
  EXPECT_EQ(graph.nodes.at(0).dst, dst);
  EXPECT_EQ(graph.trainable_size(), 135);
  graph.parameters[0].trainable = false;
  EXPECT_EQ(graph.trainable_size(), 0);
}

TEST(Graph, ShapesFollowTheImage) {
  Graph graph = WithImage();
  const int parameter = graph.AddParameter(Weights({5, 3, 8, 8}));
  const int conv = graph.AddNode("conv", SquareConv(Kernel(8, 4, 2)), {graph.input}, {parameter});
  const int relu = graph.AddNode("relu", MakeRelu(), {conv});
  const auto shapes = InferShapes(graph, 64, 32);
  EXPECT_EQ(shapes.at(static_cast<size_t>(relu)), (Shape{5, 8, 16}));
}

TEST(Graph, ErrorsNameTheNode) {
  Graph graph = WithImage();
  const int parameter = graph.AddParameter(Weights({5, 4, 8, 8}));
  graph.AddNode("c1", SquareConv(Kernel(8, 4, 2)), {graph.input}, {parameter});
  EXPECT_EQ(Message([&] { InferShapes(graph, 64, 64); }),
            "[Conv c1] the weights are for 4 source channels, found 3");
}

TEST(Graph, RefusesImagesThatAreTooSmallOrTooLarge) {
  Graph graph = WithImage();
  graph.AddNode("pool", SquarePool(16), {graph.input});
  EXPECT_EQ(Message([&] { InferShapes(graph, 64, 8); }).rfind("[MaxPool pool] ", 0), 0u);
  EXPECT_NE(Message([&] { InferShapes(graph, 0, 8); }), "");
  EXPECT_NE(Message([&] { InferShapes(graph, int64_t{1} << 62, int64_t{1} << 62); }), "");
}

TEST(Graph, RefusesSourcesAndParametersThatALayerDoesNotTake) {
  Graph graph = WithImage();
  const int parameter = graph.AddParameter(Weights({3}));
  graph.AddNode("join", MakeConcat(), {graph.input, graph.input}, {parameter});
  EXPECT_EQ(Message([&] { InferShapes(graph, 8, 8); }), "[Concat join] expected no parameters, found 'w'");
  graph.nodes[0] = {.name = "r", .layer = MakeRelu(), .srcs = {0, 0}, .parameters = {}, .dst = 1};
  EXPECT_EQ(Message([&] { InferShapes(graph, 8, 8); }), "[Relu r] expected one source, found 2");
  graph.nodes[0].srcs = {};
  EXPECT_EQ(Message([&] { InferShapes(graph, 8, 8); }), "[Relu r] expected a source, found none");
}

TEST(Graph, TotalStrideIsTheLeastCommonMultiple) {
  Graph graph = WithImage();
  EXPECT_EQ(TotalStride(graph), 1);
  graph.AddNode("half", SquarePool(2), {graph.input});
  EXPECT_EQ(TotalStride(graph), 2);
  const int third = graph.AddNode("third", SquarePool(3), {graph.input});
  EXPECT_EQ(TotalStride(graph), 6);
  const int three_halves = graph.AddNode("up", MakeResizeNearest(2, 2), {third});
  EXPECT_EQ(TotalStride(graph), 6);
  graph.AddNode("five", SquarePool(5), {three_halves});
  EXPECT_EQ(TotalStride(graph), 30);
  EXPECT_EQ(Downsamples(graph).back().rows, (Ratio{15, 2}));
}

TEST(Graph, TotalStrideLooksAtRowsAndColumns) {
  Graph graph = WithImage();
  graph.AddNode("pool", MakeMaxPool({.rows = Kernel(4, 4, 0), .columns = Kernel(6, 6, 0)}), {graph.input});
  EXPECT_EQ(TotalStride(graph), 12);
}

TEST(Graph, UpsamplingNeedsNoMultiple) {
  Graph graph = WithImage();
  graph.AddNode("up", MakeResizeNearest(4, 2), {graph.input});
  EXPECT_EQ(TotalStride(graph), 1);
  EXPECT_EQ(Downsamples(graph).back(), (Downsample{.rows = {1, 4}, .columns = {1, 2}}));
}

TEST(Graph, TotalStrideRefusesGridsThatDiffer) {
  Graph graph = WithImage();
  const int half = graph.AddNode("half", SquarePool(2), {graph.input});
  graph.AddNode("join", MakeConcat(), {graph.input, half});
  EXPECT_EQ(Message([&] { TotalStride(graph); }),
            "[Concat join] expected sources on one grid, found 1/1 x 1/1 and 1/2 x 1/2 of the image");
}

TEST(Graph, TotalStrideRefusesToOverflow) {
  Graph graph = WithImage();
  int tensor = graph.input;
  for (int i = 0; i < 8; ++i) tensor = graph.AddNode("pool" + std::to_string(i), SquarePool(1000), {tensor});
  EXPECT_EQ(Message([&] { TotalStride(graph); }),
            "[MaxPool pool3] the strides multiply to more than 31 bits");
}

}  // namespace
}  // namespace swath
