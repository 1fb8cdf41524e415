/// Weights from files, by name: published ones for the built-in networks, or those of an earlier training.
#pragma once

#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

struct LoadWeightsOptions {
  /// Parameters whose names begin with one of these are left as they are: "fc." for a head of its own.
  std::vector<std::string> skip = {};
};

/// What became of the names on both sides.
struct WeightReport {
  struct Difference {
    std::string name;
    std::vector<int64_t> expected, found;  ///< dimensions in the network and in the file
  };

  std::string prefix;                 ///< that all names of the file have in front of the network's; often ""
  std::vector<std::string> matched;   ///< were taken from the file
  std::vector<std::string> missing;   ///< of the network: the file has none of that name
  std::vector<Difference> different;  ///< of both, in different shapes; left as they are
  std::vector<std::string> unused;    ///< of the file, with its prefix: the network has none of that name

  /// Whether every parameter of the network was found.
  bool complete() const { return missing.empty() && different.empty(); }
};

/// Copies values into the parameters of `graph` that have the same name and shape in a `.safetensors` or
/// `.onnx` file; float16, bfloat16 and float64 are converted to float32. Trainable or not: running statistics
/// and frozen weights are loaded, constants of formulae (the normalisation of the input) are not. Dimensions
/// of 1 do not count: weights [N, K] of a linear layer fit a 1 × 1 convolution, [N, K, 1, 1]. Names may have
/// a prefix in the file, such as "module." or "model.", if it is the same for all.
///
/// Throws Error, whose message begins with the path, and leaves the graph as it was: kUsage for a file of
/// another name, kInput for a broken one, kUnsupported for a tensor that is wanted and of another type, or
/// does not fit its layer, kNumeric for a value that is not finite.
WeightReport LoadWeights(Graph* graph, const std::string& path, const LoadWeightsOptions& options = {});

}  // namespace swath
