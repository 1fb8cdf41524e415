/// MobileNetV2 of Sandler et al., CVPR 2018 (arXiv 1801.04381), named as in torchvision, without its dropout.
#include <cmath>

#include "base/error.h"
#include "graph/architectures/heads.h"

namespace swath {
namespace {

/// A line of the paper's table 2.
struct Stage {
  int64_t expansion, channels;
  int repeats;
  int64_t stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

class MobileNetV2 {
 public:
  explicit MobileNetV2(const ArchitectureRequest& request) : net_(request), options_(request.name) {}

  Graph Build() {
    BuiltTensor map =
        ConvRelu("features.0", net_.ImageNetColours(), {.channels = 32, .kernel = 3, .stride = 2, .pad = 1});
    int block = 1;
    for (const Stage& stage : kStages) {
      for (int i = 0; i < stage.repeats; ++i, ++block) {
        const std::string name = fmt::format("features.{}", block);
        map = AddBlock(name, map, stage, i == 0 ? stage.stride : 1);
      }
    }
    map = ConvRelu(fmt::format("features.{}", block), map, {.channels = 1280});
    return FinishWithHead(&net_, map, {.linear = "classifier.1", .normalization = ""}, &options_);
  }

 private:
  /// He's normal distribution by fan-out, which is that of a group: torchvision counts all groups and leaves
  /// the activations of a depthwise convolution to its normalisation, whose statistics are frozen here.
  BuiltTensor ConvNorm(const std::string& conv, const std::string& norm, BuiltTensor src, ConvSpec spec) {
    spec.bias = false;
    const int64_t fan_out = spec.channels / spec.groups * spec.kernel * spec.kernel;
    spec.deviation = std::sqrt(2.0 / static_cast<double>(fan_out));
    return net_.BatchNormalization(norm, net_.Conv(conv, src, spec));
  }
  /// With a Relu that ends at 6.
  BuiltTensor ConvRelu(const std::string& name, BuiltTensor src, const ConvSpec& spec) {
    return net_.Apply(name + ".2", MakeClip(0, 6), {ConvNorm(name + ".0", name + ".1", src, spec)});
  }

  BuiltTensor AddBlock(const std::string& name, BuiltTensor src, const Stage& stage, int64_t stride) {
    const auto child = [&](int i) { return fmt::format("{}.conv.{}", name, i); };
    const int64_t hidden = src.channels * stage.expansion;
    BuiltTensor map = src;
    int next = 0;
    if (stage.expansion != 1) map = ConvRelu(child(next++), map, {.channels = hidden});
    map = ConvRelu(child(next++), map,
                   {.channels = hidden, .kernel = 3, .stride = stride, .pad = 1, .groups = hidden});
    map = ConvNorm(child(next), child(next + 1), map, {.channels = stage.channels});
    if (stride != 1 || stage.channels != src.channels) return map;
    return net_.Apply(name + ".add", MakeAdd(), {src, map});
  }

  NetworkBuilder net_;
  OptionReader options_;
};

}  // namespace

Graph BuildMobileNetV2(const ArchitectureRequest& request) { return MobileNetV2(request).Build(); }

}  // namespace swath
