/// How much smaller than the image each tensor of a network is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// An exact ratio in lowest terms: 16/1 for a tensor at a sixteenth of the image, 1/2 for one of twice its
/// size.
struct Ratio {
  int64_t numerator = 1;
  int64_t denominator = 1;

  friend bool operator==(const Ratio&, const Ratio&) = default;
};

std::string ToString(Ratio ratio);

/// Image pixels per pixel of a tensor.
struct Downsample {
  Ratio rows;
  Ratio columns;

  friend bool operator==(const Downsample&, const Downsample&) = default;
};

/// By tensor, following the strides of the windows from the input on. Throws Error (kUnsupported) for a node
/// whose sources lie on different grids, or whose ratio leaves 31 bits.
std::vector<Downsample> Downsamples(const Graph& graph);

}  // namespace swath
