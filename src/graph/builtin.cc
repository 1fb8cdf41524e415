/// The architectures that are built in code.
#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "graph/initialise.h"
#include "layers/layers.h"
#include "swath/model.h"

namespace swath {
namespace {

struct ConvSpec {
  int64_t src = 0;
  int64_t dst = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t pad = 0;
};

enum class Role { kRelu, kLogits };

/// Appends layers to a graph, drawing their weights in the order of the calls.
class Builder {
 public:
  Builder(std::string name, uint64_t seed, const std::vector<std::string>& classes)
      : classes_(classes), random_(seed) {
    graph_.name = std::move(name);
    if (classes.size() > 2) graph_.name += fmt::format(" of {} classes", classes.size());
    graph_.input = graph_.AddTensor("image");
  }

  /// (x - 255) · (-1/64): white becomes 0, ink positive, tissue about 1, all exactly in float32. The padding
  /// of the convolutions is 0 too, so the border of a slide, its extension and its padding all look like
  /// empty glass.
  int Normalise() {
    const int shift = graph_.AddParameter({.name = "normalise.shift",
                                           .dims = {1, 3, 1, 1},
                                           .values = {-255.0f, -255.0f, -255.0f},
                                           .trainable = false});
    const int scale = graph_.AddParameter({.name = "normalise.scale",
                                           .dims = {1, 3, 1, 1},
                                           .values = {-0x1p-6f, -0x1p-6f, -0x1p-6f},
                                           .trainable = false});
    const int shifted = graph_.AddNode("normalise.shift", MakeAdd(), {graph_.input}, {shift});
    return graph_.AddNode("normalise.scale", MakeMul(), {shifted}, {scale});
  }

  int Conv(const std::string& name, int src, const ConvSpec& spec, Role role) {
    return Conv(name, src, spec, role, DrawFilters(Bank(spec, role, 1), &random_));
  }

  /// The layer that reads the image, for texture: see AddWaves.
  int TextureConv(const std::string& name, int src, const ConvSpec& spec) {
    const FilterBank bank = {.dst_channels = spec.dst,
                             .src_channels = spec.src,
                             .kernel = spec.kernel,
                             .level_gain = 0,
                             .texture_norm = 0.3};
    std::vector<float> weights = DrawFilters(bank, &random_);
    AddWaves(bank, 3.0, &weights);
    const int dst = Conv(name, src, spec, Role::kRelu, weights);
    // Neither channel passes the level on, so neither needs room to fall.
    for (float& bias : graph_.parameters.back().values) bias = InitialBias(0);
    return dst;
  }

  int Conv(const std::string& name, int src, const ConvSpec& spec, Role role,
           const std::vector<float>& weights) {
    const Window window = {
        .kernel = spec.kernel, .stride = spec.stride, .pad_begin = spec.pad, .pad_end = spec.pad};
    return Append(
        name, MakeConv({.rows = window, .columns = window}), src, role,
        {.name = name + ".weight", .dims = {spec.dst, spec.src, spec.kernel, spec.kernel}, .values = weights},
        spec.dst);
  }

  int ConvTranspose(const std::string& name, int src, const ConvSpec& spec, Role role) {
    const std::vector<float> drawn = DrawFilters(Bank(spec, role, spec.stride), &random_);
    // ONNX puts the source channel first here.
    const int64_t taps = spec.kernel * spec.kernel;
    std::vector<float> weights;
    for (int64_t s = 0; s < spec.src; ++s) {
      for (int64_t d = 0; d < spec.dst; ++d) {
        const auto plane = drawn.begin() + (d * spec.src + s) * taps;
        weights.insert(weights.end(), plane, plane + taps);
      }
    }
    const Window window = {.kind = Window::Kind::kScatter,
                           .kernel = spec.kernel,
                           .stride = spec.stride,
                           .pad_begin = spec.pad,
                           .pad_end = spec.pad};
    return Append(
        name, MakeConvTranspose({.rows = window, .columns = window}), src, role,
        {.name = name + ".weight", .dims = {spec.src, spec.dst, spec.kernel, spec.kernel}, .values = weights},
        spec.dst);
  }

  int Concat(const std::string& name, std::vector<int> srcs) {
    return graph_.AddNode(name, MakeConcat(), std::move(srcs));
  }

  int64_t logits() const { return classes_.size() == 2 ? 1 : static_cast<int64_t>(classes_.size()); }

  Graph Finish(int output) {
    graph_.output = output;
    graph_.tensors[static_cast<size_t>(output)] = "logits";
    graph_.metadata = {{"swath.classes", fmt::format("{}", fmt::join(classes_, ","))},
                       {"swath.extension", "255"},
                       {"swath.multiple", fmt::format("{}", TotalStride(graph_))},
                       {"swath.output", "logits"},
                       {"swath.version", "1"}};
    return std::move(graph_);
  }

 private:
  /// Logits start near the bias of the head: its filters pass no level on, only differences. The layers that
  /// shrink start nearer to averages than He's variance has them, so that what the first layer finds reaches
  /// the bottom.
  static FilterBank Bank(const ConvSpec& spec, Role role, int64_t stride) {
    const bool averages = spec.kernel > 1 && stride == 1;
    return {.dst_channels = spec.dst,
            .src_channels = spec.src,
            .kernel = spec.kernel,
            .stride = stride,
            .level_gain = role == Role::kRelu ? 1.0 : 0.0,
            .texture_norm = role == Role::kLogits ? 1.0
                            : averages            ? std::sqrt(0.5)
                                                  : std::sqrt(2.0)};
  }

  int Append(const std::string& name, std::shared_ptr<const Layer> layer, int src, Role role,
             Parameter weights, int64_t channels) {
    const int weight = graph_.AddParameter(std::move(weights));
    Parameter biases{.name = name + ".bias", .dims = {channels}, .values = {}};
    for (int64_t c = 0; c < channels; ++c) {
      biases.values.push_back(role == Role::kRelu ? InitialBias(c) : 0.0f);
    }
    const int bias = graph_.AddParameter(std::move(biases));
    const int dst = graph_.AddNode(name, std::move(layer), {src}, {weight, bias});
    return role == Role::kRelu ? graph_.AddNode(name + ".relu", MakeRelu(), {dst}) : dst;
  }

  const std::vector<std::string>& classes_;
  Graph graph_;
  SplitMix64 random_;
};

/// Our reading of the network of Remedios et al., MIDL 2023 (arXiv 2304.12149): "a modified U-Net (4492
/// parameters) leveraging large kernels and high stride". The paper prints no table of layers.
Graph BuildUnet4492(uint64_t seed, const std::vector<std::string>& classes) {
  Builder net("unet-4492", seed, classes);
  const int image = net.Normalise();
  const auto down = [&](const char* name, int src, int64_t from, int64_t to) {
    return net.Conv(name, src, {.src = from, .dst = to, .kernel = 8, .stride = 4, .pad = 2}, Role::kRelu);
  };
  const auto up = [&](const char* name, int src, int64_t from, int64_t to) {
    return net.ConvTranspose(name, src, {.src = from, .dst = to, .kernel = 8, .stride = 4, .pad = 2},
                             Role::kRelu);
  };
  const int e1 = net.TextureConv("e1", image, {.src = 3, .dst = 2, .kernel = 8, .stride = 4, .pad = 2});
  const int e2 = down("e2", e1, 2, 2);
  const int e3 = down("e3", e2, 2, 8);
  const int b = net.Conv("b", e3, {.src = 8, .dst = 8}, Role::kRelu);
  const int d3 = up("d3", b, 8, 2);
  const int d2 = up("d2", net.Concat("join2", {d3, e2}), 4, 2);
  const int d1 = up("d1", net.Concat("join1", {d2, e1}), 4, 4);
  const int joined = net.Concat("join0", {d1, image});
  return net.Finish(
      net.Conv("head", joined, {.src = 7, .dst = net.logits(), .kernel = 5, .pad = 2}, Role::kLogits));
}

/// What colour alone can tell: the same function of every pixel. The baseline for networks that look around.
Graph BuildPixelMlp(uint64_t seed, const std::vector<std::string>& classes) {
  Builder net("pixel-mlp", seed, classes);
  const int hidden1 = net.Conv("hidden1", net.Normalise(), {.src = 3, .dst = 16}, Role::kRelu);
  const int hidden2 = net.Conv("hidden2", hidden1, {.src = 16, .dst = 16}, Role::kRelu);
  return net.Finish(net.Conv("head", hidden2, {.src = 16, .dst = net.logits()}, Role::kLogits));
}

}  // namespace

const std::vector<std::string>& BuiltInModelNames() {
  static const std::vector<std::string> names = {"unet-4492", "pixel-mlp"};
  return names;
}

bool IsBuiltInModel(std::string_view name) {
  const auto& names = BuiltInModelNames();
  return std::find(names.begin(), names.end(), name) != names.end();
}

Graph BuiltInModel(std::string_view name, uint64_t seed, const std::vector<std::string>& classes) {
  const std::set<std::string> different(classes.begin(), classes.end());
  const bool plain = std::all_of(classes.begin(), classes.end(), [](const std::string& class_name) {
    return !class_name.empty() && class_name.find(',') == std::string::npos;
  });
  if (classes.size() < 2 || classes.size() > 255 || different.size() != classes.size() || !plain) {
    Fail(ErrorCode::kUsage,
         "classes '{}', expected 2 to 255 different names without commas, the background's first",
         fmt::join(classes, "', '"));
  }
  if (name == "unet-4492") return BuildUnet4492(seed, classes);
  if (name == "pixel-mlp") return BuildPixelMlp(seed, classes);
  Fail(ErrorCode::kUsage, "no built-in model is named '{}'; there are {}", name,
       fmt::join(BuiltInModelNames(), ", "));
}

}  // namespace swath
