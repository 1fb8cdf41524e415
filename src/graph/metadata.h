/// Keys of a model's metadata; docs/model-format.md explains them. Typed access stands in swath/model.h.
#pragma once

#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// Names of the parameters that training leaves alone. Only in files: a graph says it with
/// Parameter::trainable.
constexpr char kFrozenKey[] = "swath.frozen";
/// Micrometres a pixel of what it was trained on.
constexpr char kMppKey[] = "swath.mpp";
/// Version of the metadata's format.
constexpr char kVersionKey[] = "swath.version";
constexpr int64_t kNewestVersion = 1;

/// A comma-separated list; commas and percent signs within names are written %2C and %25.
std::string FormatNames(const std::vector<std::string>& names);
std::vector<std::string> ParseNames(const std::string& text);

/// Throws Error (kInput) for values that Swath reads and that are malformed.
void CheckMetadata(const Graph& graph);

}  // namespace swath
