/// Layers for small networks whose every channel counts: their weights come from DrawFilters
/// (graph/initialise.h).
#pragma once

#include "graph/architectures/network_builder.h"
#include "graph/initialise.h"

namespace swath {

enum class LevelRole { kRelu, kLogits };

class LevelNetworkBuilder : public NetworkBuilder {
 public:
  using NetworkBuilder::NetworkBuilder;

  /// A convolution with a bias, and its Relu unless it gives the logits. `bias` and `deviation` of the spec
  /// have no meaning here.
  BuiltTensor LevelConv(const std::string& name, BuiltTensor src, const ConvSpec& spec, LevelRole role);
  BuiltTensor LevelConvTranspose(const std::string& name, BuiltTensor src, const ConvSpec& spec);
  /// The layer that reads the image, for texture: see AddWaves.
  BuiltTensor TextureConv(const std::string& name, BuiltTensor src, const ConvSpec& spec);

 private:
  BuiltTensor Append(const std::string& name, std::shared_ptr<const Layer> layer, BuiltTensor src,
                     LevelRole role, int weights, const std::vector<float>& biases);
};

}  // namespace swath
