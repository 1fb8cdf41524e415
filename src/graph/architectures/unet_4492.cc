/// Our reading of the network of Remedios et al., MIDL 2023 (arXiv 2304.12149): "a modified U-Net (4492
/// parameters) leveraging large kernels and high stride". The paper prints no table of layers.
#include "graph/architectures/level_network_builder.h"
#include "graph/architectures/option_reader.h"

namespace swath {

Graph BuildUnet4492(const ArchitectureRequest& request) {
  OptionReader(request.name).Finish();
  LevelNetworkBuilder net(request);
  const BuiltTensor image = net.Ink();
  const auto spec = [](int64_t channels) {
    return ConvSpec{.channels = channels, .kernel = 8, .stride = 4, .pad = 2};
  };
  const BuiltTensor e1 = net.TextureConv("e1", image, spec(2));
  const BuiltTensor e2 = net.LevelConv("e2", e1, spec(2), LevelRole::kRelu);
  const BuiltTensor e3 = net.LevelConv("e3", e2, spec(8), LevelRole::kRelu);
  const BuiltTensor b = net.LevelConv("b", e3, {.channels = 8}, LevelRole::kRelu);
  const BuiltTensor d3 = net.LevelConvTranspose("d3", b, spec(2));
  const BuiltTensor d2 = net.LevelConvTranspose("d2", net.Concat("join2", {d3, e2}), spec(2));
  const BuiltTensor d1 = net.LevelConvTranspose("d1", net.Concat("join1", {d2, e1}), spec(4));
  const BuiltTensor joined = net.Concat("join0", {d1, image});
  const ConvSpec head = {.channels = net.logits(), .kernel = 5, .pad = 2};
  return net.Finish(net.LevelConv("head", joined, head, LevelRole::kLogits), OutputOf::kPixels);
}

}  // namespace swath
