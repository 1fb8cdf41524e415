#include "tests/support/named_networks.h"

#include <cmath>
#include <random>
#include <utility>

#include "layers/layers.h"

namespace swath::test {
namespace {

/// Appends layers to what came last.
class Chain {
 public:
  explicit Chain(uint32_t seed) : random_(seed) {
    graph_.input = graph_.AddTensor("image");
    const int shift = Constant("shift", {3, 1, 1}, {-120, -128, -136});
    const int scale = Constant("scale", {1}, {1.0f / 64});
    last_ = graph_.AddNode("centre", MakeAdd(), {graph_.input}, {shift});
    Add("normalise", MakeMul(), {scale});
  }

  int last() const { return last_; }

  Chain& Add(const std::string& name, std::shared_ptr<const Layer> layer, std::vector<int> parameters = {}) {
    last_ = graph_.AddNode(name, std::move(layer), {last_}, std::move(parameters));
    return *this;
  }

  Chain& Conv(const std::string& name, int64_t dst, const Window& rows, const Window& columns) {
    const int weights = Weights(name + ".weight", {dst, channels_, rows.kernel, columns.kernel},
                                channels_ * rows.kernel * columns.kernel);
    Add(name, MakeConv({rows, columns}), {weights, Weights(name + ".bias", {dst}, 100)});
    channels_ = dst;
    return *this;
  }
  Chain& Conv(const std::string& name, int64_t dst, const Window& window) {
    return Conv(name, dst, window, window);
  }

  Chain& ConvTranspose(const std::string& name, int64_t dst, Window rows, Window columns) {
    rows.kind = columns.kind = Window::Kind::kScatter;
    const int weights = Weights(name + ".weight", {channels_, dst, rows.kernel, columns.kernel},
                                channels_ * rows.kernel * columns.kernel / (rows.stride * columns.stride));
    Add(name, MakeConvTranspose({rows, columns}), {weights, Weights(name + ".bias", {dst}, 100)});
    channels_ = dst;
    return *this;
  }

  Chain& Relu(const std::string& name) { return Add(name, MakeRelu()); }

  /// With what another tensor of `channels` channels has.
  Chain& Join(const std::string& name, int tensor, int64_t channels) {
    last_ = graph_.AddNode(name, MakeConcat(), {last_, tensor});
    channels_ += channels;
    return *this;
  }

  /// Scale and bias near 1 and 0, of a normalisation.
  std::vector<int> Affine(const std::string& name) {
    const int scale = Weights(name + ".weight", {channels_}, 8),
              bias = Weights(name + ".bias", {channels_}, 8);
    for (float& value : graph_.parameters[static_cast<size_t>(scale)].values) value += 1;
    return {scale, bias};
  }

  /// As in a file of a trained network: its running statistics stay, scale and bias are trained.
  Chain& FrozenBatchNormalization(const std::string& name) {
    std::vector<int> parameters = Affine(name);
    std::vector<float> mean, variance;
    for (int64_t c = 0; c < channels_; ++c) {
      mean.push_back(0.3f - 0.2f * static_cast<float>(c));
      variance.push_back(0.6f + 0.5f * static_cast<float>(c));
    }
    parameters.push_back(Constant(name + ".mean", {channels_}, mean));
    parameters.push_back(Constant(name + ".variance", {channels_}, variance));
    return Add(name, MakeFrozenBatchNormalization({.epsilon = 1e-3}), parameters);
  }

  /// One value for the slide, from the mean of the map.
  Chain& Head() {
    Add("pool", MakeGlobalReduce({.kind = ReduceKind::kMean, .keep_dims = false}));
    return Add("head", MakeLinear({.transposed = true}),
               {Weights("head.weight", {1, channels_}, channels_), Weights("head.bias", {1}, 100)});
  }

  Graph Finish() {
    graph_.output = last_;
    return std::move(graph_);
  }

 private:
  int Constant(const std::string& name, std::vector<int64_t> dims, std::vector<float> values) {
    return graph_.AddParameter(
        {.name = name, .dims = std::move(dims), .values = std::move(values), .trainable = false});
  }

  int Weights(const std::string& name, std::vector<int64_t> dims, int64_t fan_in) {
    int64_t size = 1;
    for (const int64_t dim : dims) size *= dim;
    Parameter weights{.name = name, .dims = std::move(dims), .values = {}};
    std::normal_distribution<double> normal(0, std::sqrt(2.0 / static_cast<double>(fan_in)));
    for (int64_t i = 0; i < size; ++i) weights.values.push_back(static_cast<float>(normal(random_)));
    return graph_.AddParameter(std::move(weights));
  }

  std::mt19937 random_;
  Graph graph_;
  int last_ = 0;
  int64_t channels_ = 3;
};

/// A kernel as wide as its stride's double, from one size to its quarter.
constexpr Window kQuarter{.kernel = 8, .stride = 4, .pad_begin = 2, .pad_end = 2};
constexpr Window kHalf{.kernel = 3, .stride = 2, .pad_begin = 1, .pad_end = 1};
constexpr Window kSame{.kernel = 3, .pad_begin = 1, .pad_end = 1};

Window With(Window window, int64_t output_padding) {
  window.output_padding = output_padding;
  return window;
}

}  // namespace

std::vector<NamedNetwork> NamedNetworks() {
  std::vector<NamedNetwork> networks;
  const auto keep = [&](const char* name, int64_t width, int64_t height, Chain chain, int64_t slides = 1) {
    networks.push_back({name, chain.Finish(), width, height, slides});
  };

  {  // 45 x 59: the last rows and columns reach no output, or one that sees padding
    Chain chain(1);
    chain.Conv("a", 4, kQuarter).Relu("a.relu").Conv("b", 5, kHalf).Relu("b.relu");
    keep("size-off-the-stride-encoder", 45, 59, chain.Head());
  }
  {
    Chain chain(2);
    chain.Conv("down", 4, kQuarter).Relu("relu");
    keep("size-off-the-stride-map", 45, 59,
         chain.ConvTranspose("up", 1, With(kQuarter, 3), With(kQuarter, 1)));
  }
  {
    Chain chain(3);
    const int image = chain.last();
    chain.Conv("down", 4, kHalf).Relu("relu");
    chain.ConvTranspose("up", 3, {.kernel = 5, .stride = 2, .pad_begin = 2, .pad_end = 2},
                        {.kernel = 4, .stride = 2, .pad_begin = 1, .pad_end = 2});
    keep("transposed-convolution", 33, 41, chain.Join("skip", image, 3).Relu("join").Conv("head", 1, kSame));
  }
  for (const ResizeMode mode : {ResizeMode::kNearest, ResizeMode::kLinear}) {
    Chain chain(4);
    chain.Conv("stem", 3, kSame).Relu("stem.relu");
    const int skip = chain.last();
    chain.Conv("down", 4, kHalf).Relu("relu");
    chain.Add("up", MakeResize({.mode = mode, .rows = {2, 1}, .columns = {2, 1}}));
    keep(mode == ResizeMode::kNearest ? "upsampling-nearest" : "upsampling-linear", 34, 42,
         chain.Join("skip", skip, 3).Conv("head", 1, kSame));
  }
  {
    Chain chain(5);
    chain.Conv("down", 4, kHalf).Relu("relu");
    keep("two-slides-map", 35, 39, chain.ConvTranspose("up", 1, kHalf, kHalf), 2);
  }
  {
    Chain chain(6);
    chain.Conv("a", 4, kHalf).Relu("a.relu").Conv("b", 4, kHalf).Relu("b.relu");
    keep("two-slides-values", 35, 39, chain.Head(), 2);
  }
  {
    Chain chain(7);
    chain.Add("reflect", MakePad({.mode = PadMode::kReflect, .top = 3, .bottom = 2, .left = 1, .right = 4}));
    chain.Conv("a", 4, {.kernel = 6}).Relu("a.relu");
    chain.Add("again", MakePad({.mode = PadMode::kReflect, .top = 1, .bottom = 1, .left = 1, .right = 1}));
    keep("reflect-padding", 37, 43, chain.Conv("head", 1, {.kernel = 3}));
  }
  {
    Chain chain(8);
    chain.Conv("tall", 4, {.kernel = 7, .pad_begin = 3, .pad_end = 3}, {}).Relu("tall.relu");
    chain.Conv("wide", 4, {.kernel = 2, .stride = 2},
               {.kernel = 5, .stride = 3, .pad_begin = 2, .pad_end = 2});
    chain.Relu("wide.relu");
    keep("non-square-kernels", 40, 38,
         chain.ConvTranspose("up", 1, {.kernel = 2, .stride = 2},
                             {.kernel = 5, .stride = 3, .pad_begin = 2, .pad_end = 2}));
  }
  {
    constexpr Window kDilated{.kernel = 3, .dilation = 2, .pad_begin = 2, .pad_end = 2};
    Chain chain(9);
    chain.Conv("a", 4, kDilated).Relu("a.relu");
    chain.Conv("b", 4, {.kernel = 4, .stride = 2, .dilation = 2, .pad_begin = 3, .pad_end = 3})
        .Relu("b.relu");
    constexpr Window kUp{.kernel = 4, .stride = 2, .dilation = 2, .pad_begin = 3, .pad_end = 3};
    keep("dilation-2", 37, 41, chain.ConvTranspose("up", 1, kUp, kUp));
  }
  {
    Chain chain(10);
    chain.Conv("a", 6, kHalf);
    chain.Add("norm", MakeGroupNormalization(3, 1e-3), chain.Affine("norm")).Relu("relu");
    keep("group-normalization", 37, 41, chain.ConvTranspose("up", 1, kHalf, kHalf));
  }
  {
    Chain chain(11);
    chain.Conv("a", 4, kHalf).FrozenBatchNormalization("a.norm").Relu("a.relu");
    chain.ConvTranspose("up", 3, kHalf, kHalf).FrozenBatchNormalization("up.norm").Relu("up.relu");
    keep("batch-normalization-at-inference", 37, 41, chain.Conv("head", 1, kSame));
  }
  return networks;
}

}  // namespace swath::test
