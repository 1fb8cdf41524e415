/// ConvNeXt-T of Liu et al., CVPR 2022 (arXiv 2201.03545), named as in torchvision, without stochastic depth.
/// Its linear layers over channels are 1 x 1 convolutions here, of the same weights.
#include "base/error.h"
#include "graph/architectures/heads.h"

namespace swath {
namespace {

// The paper truncates the normal distribution at ±2, which is 100 deviations.
constexpr double kDeviation = 0.02;
constexpr double kEpsilon = double{1e-6f};
constexpr float kLayerScale = 1e-6f;

struct Stage {
  int64_t channels;
  int blocks;
};
constexpr Stage kStages[] = {{96, 3}, {192, 3}, {384, 9}, {768, 3}};

class ConvNeXt {
 public:
  explicit ConvNeXt(const ArchitectureRequest& request) : net_(request), options_(request.name) {}

  Graph Build() {
    BuiltTensor map = Patches("features.0.0", net_.ImageNetColours(), kStages[0].channels, 4);
    map = Normalise("features.0.1", map);
    int child = 1;
    for (const Stage& stage : kStages) {
      if (stage.channels != map.channels) {
        map = Normalise(fmt::format("features.{}.0", child), map);
        map = Patches(fmt::format("features.{}.1", child), map, stage.channels, 2);
        ++child;
      }
      for (int i = 0; i < stage.blocks; ++i) map = AddBlock(fmt::format("features.{}.{}", child, i), map);
      ++child;
    }
    const HeadStyle style = {
        .linear = "classifier.2", .normalization = "classifier.0", .deviation = kDeviation};
    return FinishWithHead(&net_, map, style, &options_);
  }

 private:
  BuiltTensor Normalise(const std::string& name, BuiltTensor src) {
    return net_.Normalization(name, MakeLayerNormalization(kEpsilon), src);
  }
  BuiltTensor Conv(const std::string& name, BuiltTensor src, ConvSpec spec) {
    spec.deviation = kDeviation;
    return net_.Conv(name, src, spec);
  }
  /// A convolution without overlap.
  BuiltTensor Patches(const std::string& name, BuiltTensor src, int64_t channels, int64_t size) {
    return Conv(name, src, {.channels = channels, .kernel = size, .stride = size});
  }

  BuiltTensor AddBlock(const std::string& name, BuiltTensor src) {
    const auto child = [&](int i) { return fmt::format("{}.block.{}", name, i); };
    const int64_t channels = src.channels;
    BuiltTensor map = Conv(child(0), src, {.channels = channels, .kernel = 7, .pad = 3, .groups = channels});
    map = Normalise(child(2), map);
    map = Conv(child(3), map, {.channels = 4 * channels});
    map = net_.Apply(child(4), MakeGelu(GeluApproximation::kNone), {map});
    map = Conv(child(5), map, {.channels = channels});
    const int scale = net_.Trained(name + ".layer_scale", {channels, 1, 1},
                                   std::vector<float>(static_cast<size_t>(channels), kLayerScale));
    map = net_.Apply(name + ".scaled", MakeMul(), {map}, {scale});
    return net_.Apply(name + ".add", MakeAdd(), {map, src});
  }

  NetworkBuilder net_;
  OptionReader options_;
};

}  // namespace

Graph BuildConvNeXtTiny(const ArchitectureRequest& request) { return ConvNeXt(request).Build(); }

}  // namespace swath
