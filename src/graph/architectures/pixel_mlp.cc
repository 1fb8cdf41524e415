/// What colour alone can tell: the same function of every pixel. The baseline for networks that look around.
#include "graph/architectures/level_network_builder.h"
#include "graph/architectures/option_reader.h"

namespace swath {

Graph BuildPixelMlp(const ArchitectureRequest& request) {
  OptionReader(request.name).Finish();
  LevelNetworkBuilder net(request);
  const BuiltTensor hidden1 = net.LevelConv("hidden1", net.Ink(), {.channels = 16}, LevelRole::kRelu);
  const BuiltTensor hidden2 = net.LevelConv("hidden2", hidden1, {.channels = 16}, LevelRole::kRelu);
  return net.Finish(net.LevelConv("head", hidden2, {.channels = net.logits()}, LevelRole::kLogits),
                    OutputOf::kPixels);
}

}  // namespace swath
