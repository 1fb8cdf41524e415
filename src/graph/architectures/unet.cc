/// The U-Net of Ronneberger, Fischer & Brox, MICCAI 2015 (arXiv 1505.04597), with 'same' padding, so that the
/// map of logits has the size of the image. Parameters are named as in the widespread PyTorch version that
/// has blocks inc, down, up and outc.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "graph/architectures/network_builder.h"
#include "graph/architectures/option_reader.h"

namespace swath {
namespace {

enum class Norm { kNone, kBatch, kGroup, kInstance };
enum class Up { kTranspose, kResize };

/// With more, the weights do not fit an ONNX file, which ends at 2 GiB.
constexpr int64_t kMostChannels = 4096;
constexpr int64_t kMostGroups = 8;
constexpr double kEpsilon = double{1e-5f};

int64_t GroupsOf(int64_t channels) {
  int64_t groups = std::min(kMostGroups, channels);
  while (channels % groups != 0) --groups;
  return groups;
}

class Unet {
 public:
  Unet(NetworkBuilder* net, Norm norm, Up up) : net_(*net), norm_(norm), up_(up) {}

  /// Twice: a 3 x 3 convolution, its normalisation, a Relu.
  BuiltTensor Pair(const std::string& name, BuiltTensor src, int64_t channels) const {
    for (int i = 0; i < 2; ++i) {
      const auto child = [&](int offset) {
        // Where there is a normalisation, blocks have three children for each convolution, else two.
        return fmt::format("{}.double_conv.{}", name, i * (norm_ == Norm::kNone ? 2 : 3) + offset);
      };
      src = net_.Conv(child(0), src,
                      {.channels = channels,
                       .kernel = 3,
                       .pad = 1,
                       .bias = norm_ == Norm::kNone,
                       .deviation = He(9 * src.channels)});
      if (norm_ != Norm::kNone) src = Normalise(child(1), src);
      src = net_.Apply(child(norm_ == Norm::kNone ? 1 : 2), MakeRelu(), {src});
    }
    return src;
  }

  /// Twice the size, half the channels.
  BuiltTensor Larger(const std::string& name, BuiltTensor src) const {
    const int64_t channels = src.channels / 2;
    const double deviation = std::sqrt(1.0 / static_cast<double>(src.channels));  // no Relu follows
    if (up_ == Up::kTranspose) return net_.ConvTranspose(name, src, channels, 2, deviation);
    // A 1 x 1 convolution may come before or after: the weights of the interpolation add up to 1. Before, it
    // has a quarter of the pixels.
    const BuiltTensor halved = net_.Conv(name, src, {.channels = channels, .deviation = deviation});
    return net_.Enlarge(name + ".resize", halved, 2);
  }

 private:
  static double He(int64_t fan_in) { return std::sqrt(2.0 / static_cast<double>(fan_in)); }

  BuiltTensor Normalise(const std::string& name, BuiltTensor src) const {
    if (norm_ == Norm::kBatch) return net_.BatchNormalization(name, src);
    const auto layer = norm_ == Norm::kGroup ? MakeGroupNormalization(GroupsOf(src.channels), kEpsilon)
                                             : MakeInstanceNormalization(kEpsilon);
    return net_.Normalization(name, layer, src);
  }

  NetworkBuilder& net_;
  Norm norm_;
  Up up_;
};

}  // namespace

Graph BuildUnet(const ArchitectureRequest& request) {
  NetworkBuilder net(request);
  OptionReader options(request.name);
  const int64_t depth = options.Integer("depth", 4, 1, 6), base = options.Integer("base", 64, 1, 1024);
  const auto norm = static_cast<Norm>(options.Choice("norm", {"none", "batch", "group", "instance"}));
  const auto up = static_cast<Up>(options.Choice("up", {"transpose", "resize"}));
  const int64_t outputs = options.Integer("outputs", net.logits(), 1, 255);
  options.Finish();
  if (base << depth > kMostChannels) {
    Fail(ErrorCode::kUsage, "unet: base {} and depth {} make {} channels at the bottom, expected at most {}",
         base, depth, base << depth, kMostChannels);
  }

  const Unet unet(&net, norm, up);
  std::vector<BuiltTensor> levels = {unet.Pair("inc", net.Ink(), base)};
  const Window halves = {.kernel = 2, .stride = 2};
  for (int64_t level = 1; level <= depth; ++level) {
    const std::string name = fmt::format("down{}.maxpool_conv", level);
    const BuiltTensor pooled =
        net.Apply(name + ".0", MakeMaxPool({.rows = halves, .columns = halves}), {levels.back()});
    levels.push_back(unet.Pair(name + ".1", pooled, base << level));
  }
  BuiltTensor map = levels.back();
  for (int64_t level = depth - 1; level >= 0; --level) {
    const std::string name = fmt::format("up{}", depth - level);
    const BuiltTensor larger = unet.Larger(name + ".up", map);
    const BuiltTensor joined = net.Concat(name + ".join", {levels[static_cast<size_t>(level)], larger});
    map = unet.Pair(name + ".conv", joined, base << level);
  }
  const double deviation = std::sqrt(1.0 / static_cast<double>(base));
  return net.Finish(net.Conv("outc.conv", map, {.channels = outputs, .deviation = deviation}),
                    OutputOf::kPixels);
}

}  // namespace swath
