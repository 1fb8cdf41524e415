/// Where a network with attention looked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "tools/predict_task.h"

namespace swath::tools {

class AttentionMap {
 public:
  /// For the network's first pooling by attention; nothing where it has none.
  static std::optional<AttentionMap> Of(const Graph& graph, int64_t threads);

  /// FOLDER/NAME_attention.tif, the weight of every pixel of the scores, 255 for the largest; and
  /// FOLDER/NAME_attention.png over the slide.
  static std::vector<std::string> Files(const PredictTask& task, const std::string& folder);

  /// Writes them. `image` is extended to what the network takes.
  void Run(const PredictTask& task, const RowSource& image, const std::string& folder) const;

 private:
  AttentionMap(Graph graph, int64_t threads) : graph_(std::move(graph)), threads_(threads) {}

  Graph graph_;  ///< up to the scores
  int64_t threads_;
};

}  // namespace swath::tools
