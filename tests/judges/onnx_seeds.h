/// Random networks that an ONNX file can hold.
#pragma once

#include <cstdint>
#include <vector>

#include "layers/layer.h"
#include "swath/error.h"
#include "swath/model.h"
#include "tests/support/random_graph.h"

namespace swath::test {

/// Not those that fit together at one size of image by chance, nor those with a pooling that rounds rows up
/// and columns down: ONNX has one ceil_mode for both.
inline bool FitsOnnx(const RandomNetwork& network) {
  for (const Node& node : network.graph.nodes) {
    const auto* layer = dynamic_cast<const RowLayer*>(node.layer.get());
    if (layer && layer->rows(1 << 20).rounding != layer->columns(1 << 20).rounding) return false;
  }
  try {
    ValidateGraph(network.graph);
  } catch (const Error&) {
    return false;
  }
  return true;
}

/// The first `count` such seeds from `first` on.
inline std::vector<uint32_t> OnnxSeeds(uint32_t first, uint32_t count, Variety variety = Variety::kWindows) {
  std::vector<uint32_t> seeds;
  for (uint32_t seed = first; seeds.size() < count; ++seed) {
    if (FitsOnnx(MakeRandomNetwork(seed, variety))) seeds.push_back(seed);
  }
  return seeds;
}

}  // namespace swath::test
