/// `swath eval` for networks with one output a slide.
#pragma once

#include <string>

#include "swath/dataset.h"
#include "swath/graph.h"
#include "tools/resources.h"

namespace swath::tools {

struct EvalTargetsOptions {
  std::string split;  ///< train, val, test or all
  Resources resources;
  bool json = false;
};

/// Prints the figures of every slide beside its target; for two classes the area under the ROC curve with its
/// bootstrap interval.
void EvalTargets(const Graph& graph, const Dataset& dataset, const EvalTargetsOptions& options);

}  // namespace swath::tools
