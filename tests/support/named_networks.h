/// Small networks for the cases in which another streaming implementation is wrong without saying so.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath::test {

struct NamedNetwork {
  std::string name;
  Graph graph;
  int64_t width = 0;
  int64_t height = 0;
  int64_t slides = 1;  ///< whose mean is the step's gradient
};

/// For messages of tests.
inline std::ostream& operator<<(std::ostream& out, const NamedNetwork& network) {
  return out << network.name;
}

/// Networks with one logit, for a map of the image's size or for the slide, at sizes that no stride divides.
/// All have biases, and weights of He's variance.
std::vector<NamedNetwork> NamedNetworks();

}  // namespace swath::test
