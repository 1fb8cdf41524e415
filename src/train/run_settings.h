/// What must not change for a run to be continued.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <vector>

#include "swath/dataset.h"
#include "swath/graph.h"
#include "swath/trainer.h"

namespace swath {

/// By the name of its option. `frozen` are the parameters that TrainOptions::freeze matches, by index.
nlohmann::json RunSettings(const Dataset& dataset, const Graph& graph, const std::vector<size_t>& frozen,
                           const TrainOptions& options);

}  // namespace swath
