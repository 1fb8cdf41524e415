#include "swath/graph.h"

#include <cassert>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "graph/downsample.h"
#include "layers/layer.h"

namespace swath {
namespace {

// Bounds far beyond any image, which keep every product of sizes and attributes inside 64 bits.
constexpr int64_t kLargestAxis = int64_t{1} << 36;
constexpr int64_t kLargestTensor = int64_t{1} << 60;

bool TooLarge(const Shape& shape) {
  if (shape.channels > kLargestAxis || shape.height > kLargestAxis || shape.width > kLargestAxis) return true;
  return shape.channels > kLargestTensor / shape.height / shape.width;
}

template <class Function>
auto WithNodeName(const Node& node, Function function) {
  try {
    return function();
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("[{} {}] {}", node.layer->type(), node.name, e.what()));
  }
}

Shape DstShape(const Graph& graph, const Node& node, const std::vector<Shape>& shapes) {
  std::vector<Shape> srcs;
  for (const int src : node.srcs) srcs.push_back(shapes.at(static_cast<size_t>(src)));
  ParameterList parameters;
  for (const int index : node.parameters)
    parameters.push_back(&graph.parameters.at(static_cast<size_t>(index)));

  if (srcs.empty()) Fail(ErrorCode::kUnsupported, "expected a source, found none");
  if (node.layer->kind() == LayerKind::kActivation && srcs.size() != 1) {
    Fail(ErrorCode::kUnsupported, "expected one source, found {}", srcs.size());
  }
  if (node.layer->kind() != LayerKind::kRows && !parameters.empty()) {
    Fail(ErrorCode::kUnsupported, "expected no parameters, found '{}'", parameters[0]->name);
  }
  const Shape dst = node.layer->DstShape(srcs, parameters);
  if (dst.channels <= 0 || dst.height <= 0 || dst.width <= 0) {
    Fail(ErrorCode::kInput, "the image is too small: from a source of {} no output is left ({})",
         ToString(srcs[0]), ToString(dst));
  }
  if (TooLarge(dst)) Fail(ErrorCode::kUnsupported, "an output of {} is too large", ToString(dst));
  return dst;
}

/// a · up / down, in lowest terms.
Ratio Scaled(Ratio a, int64_t up, int64_t down) {
  constexpr int64_t kLargest = (int64_t{1} << 31) - 1;
  const int64_t outer = std::gcd(a.numerator, down), inner = std::gcd(up, a.denominator);
  const int64_t u = up / inner, n = a.numerator / outer, d = a.denominator / inner, w = down / outer;
  if (u > kLargest / n || w > kLargest / d)
    Fail(ErrorCode::kUnsupported, "the strides multiply to more than 31 bits");
  const int64_t common = std::gcd(n * u, d * w);
  return {n * u / common, d * w / common};
}

Ratio Follow(Ratio src, const Window& window) {
  if (window.kind == Window::Kind::kGather) return Scaled(src, window.stride, 1);
  return Scaled(src, 1, window.stride);
}

Downsample DstDownsample(const Node& node, const std::vector<Downsample>& downsamples) {
  const Downsample first = downsamples.at(static_cast<size_t>(node.srcs.at(0)));
  for (const int src : node.srcs) {
    const Downsample& other = downsamples.at(static_cast<size_t>(src));
    if (other == first) continue;
    Fail(ErrorCode::kUnsupported,
         "expected sources on one grid, found 1/{} x 1/{} and 1/{} x 1/{} of the image",
         ToString(first.columns), ToString(first.rows), ToString(other.columns), ToString(other.rows));
  }
  const auto* layer = dynamic_cast<const RowLayer*>(node.layer.get());
  if (layer == nullptr) return first;
  return {.rows = Follow(first.rows, layer->rows()), .columns = Follow(first.columns, layer->columns())};
}

}  // namespace

int Graph::AddTensor(std::string tensor_name) {
  tensors.push_back(std::move(tensor_name));
  return static_cast<int>(tensors.size()) - 1;
}

int Graph::AddParameter(Parameter parameter) {
  parameters.push_back(std::move(parameter));
  return static_cast<int>(parameters.size()) - 1;
}

int Graph::AddNode(std::string node_name, std::shared_ptr<const Layer> layer, std::vector<int> srcs,
                   std::vector<int> node_parameters) {
  assert(layer != nullptr);
  const int dst = AddTensor(node_name + ":0");
  nodes.push_back({.name = std::move(node_name),
                   .layer = std::move(layer),
                   .srcs = std::move(srcs),
                   .parameters = std::move(node_parameters),
                   .dst = dst});
  return dst;
}

int64_t Graph::trainable_size() const {
  int64_t size = 0;
  for (const Parameter& parameter : parameters) {
    if (parameter.trainable) size += parameter.size();
  }
  return size;
}

std::vector<Shape> InferShapes(const Graph& graph, int64_t width, int64_t height) {
  const Shape image{.channels = graph.input_channels, .height = height, .width = width};
  if (image.channels <= 0 || height <= 0 || width <= 0) {
    Fail(ErrorCode::kInput, "expected an image with pixels, found {}", ToString(image));
  }
  if (TooLarge(image)) Fail(ErrorCode::kUnsupported, "an image of {} is too large", ToString(image));

  std::vector<Shape> shapes(graph.tensors.size());
  shapes.at(static_cast<size_t>(graph.input)) = image;
  for (const Node& node : graph.nodes) {
    shapes.at(static_cast<size_t>(node.dst)) =
        WithNodeName(node, [&] { return DstShape(graph, node, shapes); });
  }
  return shapes;
}

std::string ToString(Ratio ratio) {
  if (ratio.denominator == 1) return fmt::format("{}", ratio.numerator);
  return fmt::format("({}/{})", ratio.numerator, ratio.denominator);
}

std::vector<Downsample> Downsamples(const Graph& graph) {
  std::vector<Downsample> downsamples(graph.tensors.size());
  for (const Node& node : graph.nodes) {
    downsamples.at(static_cast<size_t>(node.dst)) =
        WithNodeName(node, [&] { return DstDownsample(node, downsamples); });
  }
  return downsamples;
}

void CheckOutputSize(const Graph& graph, int64_t width, int64_t height) {
  const Shape shape = InferShapes(graph, width, height)[static_cast<size_t>(graph.output)];
  if (shape.width == width && shape.height == height) return;
  Fail(ErrorCode::kUnsupported,
       "[{}] the output has {} rows × {} columns for an image of {} × {}, expected one logit a pixel",
       graph.tensors[static_cast<size_t>(graph.output)], shape.height, shape.width, height, width);
}

int64_t TotalStride(const Graph& graph) {
  // A size N is divided evenly into N · denominator / numerator pixels; in lowest terms, numerator must
  // divide N.
  int64_t multiple = 1;
  for (const Downsample& downsample : Downsamples(graph)) {
    for (const Ratio ratio : {downsample.rows, downsample.columns}) {
      // Both factors are below 2^31, so the product is exact.
      multiple = std::lcm(multiple, ratio.numerator);
      if (multiple >= int64_t{1} << 31)
        Fail(ErrorCode::kUnsupported, "the strides multiply to more than 31 bits");
    }
  }
  return multiple;
}

}  // namespace swath
