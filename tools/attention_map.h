/// Where a network with attention looked.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/pyramid_writer.h"
#include "tools/predict_task.h"
#include "tools/resources.h"

namespace swath::tools {

class AttentionMap {
 public:
  /// For the network's first pooling by attention; nothing where it has none.
  static std::optional<AttentionMap> Of(const Graph& graph);

  /// FOLDER/NAME_attention.ome.tif, the weight of every pixel of the scores, 255 for the largest; and
  /// FOLDER/NAME_attention.png over the slide.
  static std::vector<std::string> Files(const PredictTask& task, const std::string& folder);

  /// For `image`, extended to what the network takes. Throws as FitPlan does.
  Resources::Fitted Fit(const PredictTask& task, const RowSource& image, const Resources& resources) const;

  /// The picture alone, in the way that Fit chose: red, green, blue of `width` × `height` pixels.
  struct Picture {
    std::vector<uint8_t> rgb;
    int64_t width = 0, height = 0;
  };
  Picture Draw(const PredictTask& task, const RowSource& image, const PlanOptions& options) const;

  /// Writes them, computed in the way that Fit chose.
  void Run(const PredictTask& task, const RowSource& image, const PlanOptions& options,
           const std::string& folder) const;

 private:
  explicit AttentionMap(Graph graph) : graph_(std::move(graph)) {}

  /// The part of the map that shows the slide, not what it is extended by.
  PyramidOptions Map(const Slide& slide, const PredictTask& task, const RowSource& image) const;

  /// Hands over the weights, 255 for the largest, by rows of `map.width`, from the top down.
  void ForEachRow(const RowSource& image, const PlanOptions& options, const PyramidOptions& map,
                  const std::function<void(const uint8_t* weights)>& take) const;

  Graph graph_;  ///< up to the scores
};

}  // namespace swath::tools
