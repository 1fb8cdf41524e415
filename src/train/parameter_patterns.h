/// Parameters chosen by patterns of their names.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// Indices of the parameters that are trained and whose names match a glob as fnmatch has it: `*` stands for
/// anything, dots too. Throws Error (kUsage) that lists some names where there is none.
std::vector<size_t> MatchTrainable(const Graph& graph, const std::string& pattern);

}  // namespace swath
