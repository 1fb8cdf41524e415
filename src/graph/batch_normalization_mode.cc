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

}  // namespace swath
