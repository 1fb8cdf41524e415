#include "graph/trainable.h"

#include "layers/binary.h"

namespace swath {

std::vector<bool> TrainsByDefault(const Graph& graph) {
  std::vector<bool> trains(graph.parameters.size(), true);
  std::vector<bool> learnt(graph.tensors.size(), false);  // whether a tensor follows from weights
  for (const Node& node : graph.nodes) {
    bool after_weights = false;
    for (const int src : node.srcs) after_weights = after_weights || learnt[static_cast<size_t>(src)];
    const bool binary = dynamic_cast<const BinaryLayerBase*>(node.layer.get()) != nullptr;
    for (size_t i = 0; i < node.parameters.size(); ++i) {
      const size_t p = static_cast<size_t>(node.parameters[i]);
      const bool formula = binary && (!after_weights || graph.parameters[p].size() == 1);
      const bool statistic = node.layer->type() == "BatchNormalization" && i >= 2;
      if (formula || statistic) trains[p] = false;
      after_weights = after_weights || !binary;
    }
    learnt[static_cast<size_t>(node.dst)] = after_weights;
  }
  return trains;
}

}  // namespace swath
