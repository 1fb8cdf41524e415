#include "graph/architectures/level_network_builder.h"

#include <cmath>

namespace swath {
namespace {

/// Logits start near the bias of the head: its filters pass no level on, only differences. The layers that
/// shrink start nearer to averages than He's variance has them, so that what the first layer finds reaches
/// the bottom.
FilterBank Bank(int64_t src_channels, const ConvSpec& spec, LevelRole role, int64_t stride) {
  const bool averages = spec.kernel > 1 && stride == 1;
  return {.dst_channels = spec.channels,
          .src_channels = src_channels,
          .kernel = spec.kernel,
          .stride = stride,
          .level_gain = role == LevelRole::kRelu ? 1.0 : 0.0,
          .texture_norm = role == LevelRole::kLogits ? 1.0
                          : averages                 ? std::sqrt(0.5)
                                                     : std::sqrt(2.0)};
}

Window WindowOf(Window::Kind kind, const ConvSpec& spec) {
  return {
      .kind = kind, .kernel = spec.kernel, .stride = spec.stride, .pad_begin = spec.pad, .pad_end = spec.pad};
}

std::shared_ptr<const Layer> ConvLayer(const ConvSpec& spec) {
  const Window window = WindowOf(Window::Kind::kGather, spec);
  return MakeConv({.rows = window, .columns = window});
}

std::vector<float> Biases(int64_t channels, LevelRole role) {
  std::vector<float> biases;
  for (int64_t c = 0; c < channels; ++c) biases.push_back(role == LevelRole::kRelu ? InitialBias(c) : 0.0f);
  return biases;
}

}  // namespace

BuiltTensor LevelNetworkBuilder::LevelConv(const std::string& name, BuiltTensor src, const ConvSpec& spec,
                                           LevelRole role) {
  const int weights = Trained(name + ".weight", {spec.channels, src.channels, spec.kernel, spec.kernel},
                              DrawFilters(Bank(src.channels, spec, role, 1), random()));
  return Append(name, ConvLayer(spec), src, role, weights, Biases(spec.channels, role));
}

BuiltTensor LevelNetworkBuilder::TextureConv(const std::string& name, BuiltTensor src, const ConvSpec& spec) {
  const FilterBank bank = {.dst_channels = spec.channels,
                           .src_channels = src.channels,
                           .kernel = spec.kernel,
                           .level_gain = 0,
                           .texture_norm = 0.3};
  std::vector<float> values = DrawFilters(bank, random());
  AddWaves(bank, 3.0, &values);
  const int weights =
      Trained(name + ".weight", {spec.channels, src.channels, spec.kernel, spec.kernel}, std::move(values));
  // Neither channel passes the level on, so neither needs room to fall.
  const std::vector<float> biases(static_cast<size_t>(spec.channels), InitialBias(0));
  return Append(name, ConvLayer(spec), src, LevelRole::kRelu, weights, biases);
}

BuiltTensor LevelNetworkBuilder::LevelConvTranspose(const std::string& name, BuiltTensor src,
                                                    const ConvSpec& spec) {
  const std::vector<float> drawn =
      DrawFilters(Bank(src.channels, spec, LevelRole::kRelu, spec.stride), random());
  // ONNX puts the source channel first here.
  const int64_t taps = spec.kernel * spec.kernel;
  std::vector<float> values;
  for (int64_t s = 0; s < src.channels; ++s) {
    for (int64_t d = 0; d < spec.channels; ++d) {
      const auto plane = drawn.begin() + (d * src.channels + s) * taps;
      values.insert(values.end(), plane, plane + taps);
    }
  }
  const int weights =
      Trained(name + ".weight", {src.channels, spec.channels, spec.kernel, spec.kernel}, std::move(values));
  const Window window = WindowOf(Window::Kind::kScatter, spec);
  return Append(name, MakeConvTranspose({.rows = window, .columns = window}), src, LevelRole::kRelu, weights,
                Biases(spec.channels, LevelRole::kRelu));
}

BuiltTensor LevelNetworkBuilder::Append(const std::string& name, std::shared_ptr<const Layer> layer,
                                        BuiltTensor src, LevelRole role, int weights,
                                        const std::vector<float>& biases) {
  const int64_t channels = static_cast<int64_t>(biases.size());
  const int bias = Trained(name + ".bias", {channels}, biases);
  const BuiltTensor dst = {Apply(name, std::move(layer), {src}, {weights, bias}).tensor, channels};
  return role == LevelRole::kRelu ? Apply(name + ".relu", MakeRelu(), {dst}) : dst;
}

}  // namespace swath
