#include <algorithm>

#include "base/error.h"
#include "layers/layer.h"
#include "layers/layers.h"
#include "swath/model.h"

namespace swath {

int64_t SetBatchNormalization(Graph* graph, BatchNormalizationMode mode) {
  int64_t count = 0;
  const std::vector<bool> in_core = InCore(*graph);
  for (Node& node : graph->nodes) {
    if (node.layer->type() != "BatchNormalization") continue;
    if (mode == BatchNormalizationMode::kImage && in_core[static_cast<size_t>(node.srcs[0])]) {
      Fail(ErrorCode::kUnsupported,
           "{}: [BatchNormalization {}] is over one value a channel, which has no statistics but itself: it "
           "can be "
           "frozen only",
           graph->name, node.name);
    }
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
