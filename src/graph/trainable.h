/// Which parameters are trained unless somebody says otherwise.
#pragma once

#include <vector>

#include "swath/graph.h"

namespace swath {

/// By parameter. Not trained are running statistics, and constants of Add, Sub, Mul and Div that are one
/// number, or that come before the first layer with weights: those are the arithmetic of a formula, or
/// normalise the input.
std::vector<bool> TrainsByDefault(const Graph& graph);

}  // namespace swath
