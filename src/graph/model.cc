#include "swath/model.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "geometry/window.h"
#include "layers/layer.h"

namespace swath {
namespace {

/// Masks are bytes, and 255 is the ignored label.
constexpr int64_t kMostClasses = 255;

}  // namespace

std::vector<Shape> ValidateGraph(const Graph& graph) {
  // The size of the image is open, and some networks (convolutions without pads, with skips) fit only every
  // so many pixels; so the sizes of one period are tried.
  if (graph.fixed_width > 0) return InferShapes(graph, graph.fixed_width, graph.fixed_height);
  constexpr int64_t kLarge = int64_t{1} << 20, kMostTries = 1024;
  const int64_t period = TotalStride(graph), first = RoundUp(kLarge, period);
  std::optional<Error> error;
  for (int64_t size = first; size < first + std::min(period, kMostTries); ++size) {
    try {
      return InferShapes(graph, size, size);
    } catch (const Error& e) {
      if (!error) error = e;
    }
  }
  throw *error;
}

int64_t OutputChannels(const Graph& graph) {
  const size_t output = static_cast<size_t>(graph.output);
  const Shape shape = ValidateGraph(graph).at(output);
  return InCore(graph)[output] ? shape.size() : shape.channels;
}

void CheckPixelLogits(const Graph& graph, int64_t width, int64_t height) {
  for (const Node& node : graph.nodes) {
    if (node.dst != graph.output || node.layer->type() != "Sigmoid") continue;
    Fail(ErrorCode::kUnsupported,
         "[{} {}] the network ends in probabilities, expected logits: leave out this last layer",
         node.layer->type(), node.name);
  }
  CheckOutputSize(graph, width, height);
  const int64_t classes = OutputChannels(graph);
  if (classes > kMostClasses) {
    Fail(ErrorCode::kUnsupported, "[{}] the output has {} classes, expected at most {}",
         graph.tensors[static_cast<size_t>(graph.output)], classes, kMostClasses);
  }
}

void CheckSlideValues(const Graph& graph) {
  const size_t output = static_cast<size_t>(graph.output);
  const Shape shape = ValidateGraph(graph).at(output);
  if (shape.size() == std::max({shape.channels, shape.height, shape.width})) return;
  Fail(ErrorCode::kUnsupported,
       "[{}] the output is {} × {} × {} values that need the whole slide, expected one or several of the "
       "slide, or a "
       "map that can be computed row by row",
       graph.tensors[output], shape.channels, shape.height, shape.width);
}

int64_t ExtendedSize(const Graph& graph, int64_t size) { return RoundUp(size, ModelMultiple(graph)); }

Graph LoadModel(const std::string& name_or_path, uint64_t seed, const std::vector<std::string>& classes) {
  if (IsBuiltInModel(name_or_path))
    return classes.empty() ? BuiltInModel(name_or_path, seed) : BuiltInModel(name_or_path, seed, classes);
  if (!classes.empty()) {
    Fail(ErrorCode::kUsage,
         "{}: a file says itself what its classes are; only built-in models ({}) can be given some",
         name_or_path, fmt::join(BuiltInModelNames(), ", "));
  }
  std::error_code ignored;
  if (!std::filesystem::exists(name_or_path, ignored)) {
    Fail(ErrorCode::kInput, "{}: neither a file nor a built-in model ({})", name_or_path,
         fmt::join(BuiltInModelNames(), ", "));
  }
  return ImportOnnx(name_or_path);
}

}  // namespace swath
