#include "swath/graph.h"

#include <algorithm>
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
  const LayerKind kind = node.layer->kind();
  const bool takes_parameters =
      kind == LayerKind::kRows || kind == LayerKind::kNormalization || kind == LayerKind::kCore;
  if (!takes_parameters && !parameters.empty()) {
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

Downsample DstDownsample(const Node& node, const std::vector<int>& maps,
                         const std::vector<Downsample>& downsamples) {
  const Downsample first = downsamples.at(static_cast<size_t>(maps.at(0)));
  for (const int src : maps) {
    const Downsample& other = downsamples.at(static_cast<size_t>(src));
    if (other == first) continue;
    Fail(ErrorCode::kUnsupported,
         "expected sources on one grid, found 1/{} x 1/{} and 1/{} x 1/{} of the image",
         ToString(first.columns), ToString(first.rows), ToString(other.columns), ToString(other.rows));
  }
  const auto* layer = dynamic_cast<const RowLayer*>(node.layer.get());
  if (layer == nullptr) return first;
  const RowLayer::Step step = layer->step();
  return {.rows = Scaled(first.rows, step.rows.numerator, step.rows.denominator),
          .columns = Scaled(first.columns, step.columns.numerator, step.columns.denominator)};
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

int64_t Graph::parameter_bytes() const {
  int64_t bytes = 0;
  for (const Parameter& parameter : parameters) bytes += parameter.size() * int64_t{sizeof(float)};
  return bytes;
}

std::vector<Shape> InferShapes(const Graph& graph, int64_t width, int64_t height) {
  const Shape image{.channels = graph.input_channels, .height = height, .width = width};
  if (image.channels <= 0 || height <= 0 || width <= 0) {
    Fail(ErrorCode::kInput, "expected an image with pixels, found {}", ToString(image));
  }
  if (TooLarge(image)) Fail(ErrorCode::kUnsupported, "an image of {} is too large", ToString(image));
  // Where a map is flattened, another size with as many pixels would mix them up.
  if (graph.fixed_width > 0 && (width != graph.fixed_width || height != graph.fixed_height)) {
    Fail(ErrorCode::kUnsupported, "the network takes images of {}x{} only, found {}x{}", graph.fixed_width,
         graph.fixed_height, width, height);
  }

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
  const std::vector<bool> in_core = InCore(graph);
  for (const Node& node : graph.nodes) {
    std::vector<int> maps;
    for (const int src : node.srcs) {
      if (!in_core[static_cast<size_t>(src)]) maps.push_back(src);
    }
    if (maps.empty()) continue;
    downsamples.at(static_cast<size_t>(node.dst)) =
        WithNodeName(node, [&] { return DstDownsample(node, maps, downsamples); });
  }
  return downsamples;
}

std::vector<bool> InCore(const Graph& graph) {
  std::vector<bool> in_core(graph.tensors.size(), false);
  for (const Node& node : graph.nodes) {
    const LayerKind kind = node.layer->kind();
    const bool all = std::all_of(node.srcs.begin(), node.srcs.end(),
                                 [&](int src) { return in_core[static_cast<size_t>(src)]; });
    in_core[static_cast<size_t>(node.dst)] = all || kind == LayerKind::kReduction || kind == LayerKind::kCore;
  }
  return in_core;
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
