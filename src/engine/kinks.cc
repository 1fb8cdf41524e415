/// Where float32 and float64 disagree on the side of 0 before a Relu or LeakyRelu.
#include <algorithm>

#include "layers/layer.h"
#include "swath/engine.h"

namespace swath {
namespace {

/// Whether each value of the graph's output is positive, [row, channel, column].
std::vector<uint8_t> Signs(const Graph& graph, const RowSource& image, const Shape& shape,
                           Precision precision) {
  const auto engine = MakeStreamingEngine(graph, nullptr, image.width(), image.height(),
                                          {.precision = precision, .bytes_per_pixel = shape.channels});
  std::vector<uint8_t> signs;
  engine->Predict(
      image,
      [&](const float* const* values, int64_t width, uint8_t* bytes) {
        for (int64_t c = 0; c < shape.channels; ++c) {
          std::transform(values[c], values[c] + width, bytes + c * width, [](float v) { return v > 0; });
        }
      },
      [&](Range rows, const uint8_t* bytes) {
        signs.insert(signs.end(), bytes, bytes + rows.size() * shape.channels * shape.width);
      });
  return signs;
}

}  // namespace

std::vector<Kink> FindKinks(const Graph& graph, const RowSource& image) {
  const std::vector<Shape> shapes = InferShapes(graph, image.width(), image.height());
  std::vector<Kink> kinks;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    if (node.layer->type() != "Relu" && node.layer->type() != "LeakyRelu") continue;
    Graph part = graph;
    part.output = node.dst;
    const Shape& shape = shapes[static_cast<size_t>(node.dst)];
    const std::vector<uint8_t> narrow = Signs(part, image, shape, Precision::kFloat32);
    const std::vector<uint8_t> wide = Signs(part, image, shape, Precision::kFloat64);
    for (size_t i = 0; i < narrow.size(); ++i) {
      if (narrow[i] == wide[i]) continue;
      const int64_t at = static_cast<int64_t>(i), x = at % shape.width, c = at / shape.width % shape.channels,
                    y = at / shape.width / shape.channels;
      kinks.push_back({static_cast<int>(n), (c * shape.height + y) * shape.width + x, narrow[i] != 0});
    }
  }
  return kinks;
}

}  // namespace swath
