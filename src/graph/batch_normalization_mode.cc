#include <algorithm>

#include "layers/layer.h"
#include "layers/layers.h"
#include "swath/model.h"

namespace swath {

int64_t SetBatchNormalization(Graph* graph, BatchNormalizationMode mode) {
  int64_t count = 0;
  for (Node& node : graph->nodes) {
    if (node.layer->type() != "BatchNormalization") continue;
    const Attributes attributes = node.layer->attributes();
    const BatchNormalizationAttributes batch{.epsilon = std::get<double>(attributes.at("epsilon")),
                                             .momentum = std::get<double>(attributes.at("momentum"))};
    node.layer = mode == BatchNormalizationMode::kFrozen ? MakeFrozenBatchNormalization(batch)
                                                         : MakeImageBatchNormalization(batch);
    ++count;
  }
  return count;
}

bool UsesImageStatistics(const Graph& graph) {
  return std::any_of(graph.nodes.begin(), graph.nodes.end(), [](const Node& node) {
    const auto* layer = dynamic_cast<const NormalizationLayer*>(node.layer.get());
    return layer != nullptr && layer->updates_running();
  });
}

}  // namespace swath
