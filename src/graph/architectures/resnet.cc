/// The residual networks of He, Zhang, Ren & Sun, CVPR 2016 (arXiv 1512.03385), laid out and named as in
/// torchvision: a block that shrinks does so in its 3 x 3 convolution.
#include <cmath>

#include "base/error.h"
#include "graph/architectures/heads.h"

namespace swath {
namespace {

enum class Block { kBasic, kBottleneck };

class ResNet {
 public:
  ResNet(const ArchitectureRequest& request, Block block)
      : net_(request), options_(request.name), block_(block) {}

  Graph Build(const std::vector<int>& depths) {
    BuiltTensor map =
        Conv("", 1, net_.ImageNetColours(), {.channels = 64, .kernel = 7, .stride = 2, .pad = 3});
    const Window window = {.kernel = 3, .stride = 2, .pad_begin = 1, .pad_end = 1};
    map = net_.Apply("relu", MakeRelu(), {map});
    map = net_.Apply("maxpool", MakeMaxPool({.rows = window, .columns = window}), {map});
    for (int layer = 1; layer <= 4; ++layer) {
      for (int i = 0; i < depths[static_cast<size_t>(layer - 1)]; ++i) {
        const int64_t stride = layer > 1 && i == 0 ? 2 : 1;
        map = AddBlock(fmt::format("layer{}.{}.", layer, i), map, int64_t{32} << layer, stride);
      }
    }
    return FinishWithHead(&net_, map, {.linear = "fc", .normalization = ""}, &options_);
  }

 private:
  /// A convolution without bias and its normalisation. He's normal distribution, by fan-out.
  BuiltTensor ConvNorm(const std::string& conv, const std::string& norm, BuiltTensor src, ConvSpec spec) {
    spec.bias = false;
    spec.deviation = std::sqrt(2.0 / static_cast<double>(spec.channels * spec.kernel * spec.kernel));
    return net_.BatchNormalization(norm, net_.Conv(conv, src, spec));
  }
  BuiltTensor Conv(const std::string& prefix, int number, BuiltTensor src, const ConvSpec& spec) {
    return ConvNorm(fmt::format("{}conv{}", prefix, number), fmt::format("{}bn{}", prefix, number), src,
                    spec);
  }
  BuiltTensor ConvRelu(const std::string& prefix, int number, BuiltTensor src, const ConvSpec& spec) {
    return net_.Apply(fmt::format("{}relu{}", prefix, number), MakeRelu(), {Conv(prefix, number, src, spec)});
  }

  BuiltTensor AddBlock(const std::string& prefix, BuiltTensor src, int64_t width, int64_t stride) {
    const ConvSpec square = {.channels = width, .kernel = 3, .stride = stride, .pad = 1};
    BuiltTensor map;
    if (block_ == Block::kBasic) {
      map = ConvRelu(prefix, 1, src, square);
      map = Conv(prefix, 2, map, {.channels = width, .kernel = 3, .pad = 1});
    } else {
      map = ConvRelu(prefix, 1, src, {.channels = width});
      map = ConvRelu(prefix, 2, map, square);
      map = Conv(prefix, 3, map, {.channels = 4 * width});
    }
    BuiltTensor shortcut = src;
    if (stride != 1 || map.channels != src.channels) {
      shortcut = ConvNorm(prefix + "downsample.0", prefix + "downsample.1", src,
                          {.channels = map.channels, .stride = stride});
    }
    const BuiltTensor sum = net_.Apply(prefix + "add", MakeAdd(), {map, shortcut});
    return net_.Apply(prefix + "relu", MakeRelu(), {sum});
  }

  NetworkBuilder net_;
  OptionReader options_;
  Block block_;
};

}  // namespace

Graph BuildResNet18(const ArchitectureRequest& request) {
  return ResNet(request, Block::kBasic).Build({2, 2, 2, 2});
}

Graph BuildResNet34(const ArchitectureRequest& request) {
  return ResNet(request, Block::kBasic).Build({3, 4, 6, 3});
}

Graph BuildResNet50(const ArchitectureRequest& request) {
  return ResNet(request, Block::kBottleneck).Build({3, 4, 6, 3});
}

}  // namespace swath
