/// Weights from a file, for commands that take a network.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "swath/graph.h"
#include "swath/weights.h"

namespace swath::tools {

struct WeightsOption {
  std::string file;  ///< empty: none
  std::vector<std::string> skip;
};

void AddWeightsOption(CLI::App* command, WeightsOption* option, const std::string& group);

/// Loads the weights and prints what became of the names, in counts and the first few of each kind. Throws
/// what LoadWeights throws, and Error (kInput) where nothing fits the network. Needs a file.
WeightReport LoadWeightsOption(const WeightsOption& option, Graph* graph);

/// All names, a line each: "matched fc.bias", "missing …", "unused …", or "shape fc.weight 1x512 1000x512"
/// with dimensions in the network and in the file.
std::string FormatReport(const WeightReport& report);

}  // namespace swath::tools
