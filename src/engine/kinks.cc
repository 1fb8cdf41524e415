/// Where a derivative jumps, and what float32 rows have there.
#include <algorithm>
#include <cstring>

#include "layers/layer.h"
#include "swath/engine.h"

namespace swath {
namespace {

constexpr const char* kWithKinks[] = {"Abs",         "Clip",      "Elu",       "GlobalMaxPool",
                                      "HardSigmoid", "HardSwish", "LeakyRelu", "MaxPool",
                                      "PRelu",       "ReduceMax", "Relu",      "Selu"};

/// The graph's output in float32, [channel, row, column].
std::vector<double> Values(const Graph& graph, const RowSource& image, const Shape& shape, uint64_t seed,
                           PlanOptions options) {
  options.bytes_per_pixel = shape.channels * static_cast<int64_t>(sizeof(float));
  const auto engine = MakeStreamingEngine(graph, nullptr, image.width(), image.height(), options);
  if (InCore(graph)[static_cast<size_t>(graph.output)]) return engine->PredictSlide(image, {}, seed);
  std::vector<double> values(static_cast<size_t>(shape.size()));
  const int64_t row_bytes = shape.width * static_cast<int64_t>(sizeof(float));
  engine->Predict(
      image,
      [&](const float* const* channels, int64_t, uint8_t* bytes) {
        for (int64_t c = 0; c < shape.channels; ++c)
          std::memcpy(bytes + c * row_bytes, channels[c], static_cast<size_t>(row_bytes));
      },
      [&](Range rows, const uint8_t* bytes) {
        std::vector<float> row(static_cast<size_t>(shape.width));
        for (int64_t y = rows.begin; y < rows.end; ++y) {
          for (int64_t c = 0; c < shape.channels; ++c, bytes += row_bytes) {
            std::memcpy(row.data(), bytes, static_cast<size_t>(row_bytes));
            std::copy(row.begin(), row.end(), values.begin() + (c * shape.height + y) * shape.width);
          }
        }
      },
      {}, seed);
  return values;
}

}  // namespace

std::vector<Kink> FindKinks(const Graph& graph, const RowSource& image, uint64_t seed, PlanOptions options) {
  options.precision = Precision::kFloat32;
  options.samples = image.sample_type();
  const std::vector<Shape> shapes = InferShapes(graph, image.width(), image.height());
  std::vector<Kink> kinks;
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    const bool jumps = std::any_of(std::begin(kWithKinks), std::end(kWithKinks),
                                   [&](const char* type) { return node.layer->type() == type; });
    // Samples of the image are the same numbers in both.
    if (!jumps || node.srcs[0] == graph.input) continue;
    Graph part = graph;
    part.nodes.resize(n);
    part.output = node.srcs[0];
    kinks.push_back(
        {static_cast<int>(n), Values(part, image, shapes[static_cast<size_t>(part.output)], seed, options)});
  }
  return kinks;
}

}  // namespace swath
