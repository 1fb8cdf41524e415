/// Running statistics of BatchNormalization, which follow those of the images that are trained on.
#pragma once

#include <map>
#include <vector>

#include "layers/layer.h"

namespace swath {

/// Adds the new values of a node's running mean and variance, by index of the parameter. `statistics` are
/// means, then biased variances; as in PyTorch the running variance is the unbiased one.
void UpdateRunning(const NormalizationLayer& layer, const Shape& src, const Tensor& statistics,
                   const Node& node, const Graph& graph, std::map<int, std::vector<float>>* running);

}  // namespace swath
