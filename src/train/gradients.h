/// Gradients of several slides, and what tells a run that diverges.
#pragma once

#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"

namespace swath {

/// By parameter of the graph; empty for those that are not trainable.
using Gradients = std::vector<std::vector<double>>;

/// Adds one of `slides` to their mean; that of a single slide is moved.
void AddShare(Gradients gradients, double slides, Gradients* mean);

// All throw Error (kNumeric). `where` is the step, and the slide where there is one.

/// what: "step 3, a.tif: the loss".
void CheckFiniteLoss(double loss, const std::string& what);
/// Loss and gradients of a step.
void CheckFinite(const Graph& graph, const StepResult& result, const std::string& where);
/// Before anything is saved: good weights must not be written over by what has diverged.
void CheckFiniteWeights(const Graph& graph, const std::string& where);

}  // namespace swath
