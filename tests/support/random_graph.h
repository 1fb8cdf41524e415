/// Random small networks over all operators and attributes.
#pragma once

#include <cstdint>

#include "swath/graph.h"

namespace swath::test {

struct RandomNetwork {
  Graph graph;
  int64_t width = 0;
  int64_t height = 0;
  int64_t logits = 1;
  bool slide = false;  ///< the output is values of the slide, not a map
};

/// Which operators a random network is drawn from.
enum class Variety {
  kWindows,  ///< convolutions, poolings, activations, joins: what needs row rules
  kAll,      ///< all that Swath knows, with reductions, values in core and normalisations of the image
};

/// A network that ends with one map of logits of the image's size. Sizes are odd and even, strides,
/// dilations, pads, groups and output paddings are drawn independently for rows and columns; skips, additions
/// and concatenations occur, of the normalised input too. The same seed gives the same network.
RandomNetwork MakeRandomNetwork(uint32_t seed, Variety variety = Variety::kWindows);

}  // namespace swath::test
