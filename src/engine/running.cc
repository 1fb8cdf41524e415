#include "engine/running.h"

#include <algorithm>

namespace swath {

void UpdateRunning(const NormalizationLayer& layer, const Shape& src, const Tensor& statistics,
                   const Node& node, const Graph& graph, std::map<int, std::vector<float>>* running) {
  const size_t channels = static_cast<size_t>(src.channels);
  const double pixels = static_cast<double>(src.height) * static_cast<double>(src.width);
  const double unbiased[2] = {1.0, pixels / std::max(pixels - 1, 1.0)};
  for (size_t i = 0; i < 2; ++i) {  // mean, variance
    const int index = node.parameters[2 + i];
    std::vector<float> values = graph.parameters[static_cast<size_t>(index)].values;
    for (size_t c = 0; c < channels; ++c) {
      const double now = statistics.values[i * channels + c] * unbiased[i];
      values[c] = static_cast<float>(layer.momentum() * static_cast<double>(values[c]) +
                                     (1 - layer.momentum()) * now);
    }
    (*running)[index] = std::move(values);
  }
}

}  // namespace swath
