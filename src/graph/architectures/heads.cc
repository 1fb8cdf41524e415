#include "graph/architectures/heads.h"

#include <cmath>

namespace swath {
namespace {

constexpr int64_t kMostOutputs = 65536;
constexpr int64_t kHidden = 128;

BuiltTensor Reduce(NetworkBuilder* net, const std::string& name, ReduceKind kind, BuiltTensor features) {
  return net->Apply(name, MakeGlobalReduce({.kind = kind, .keep_dims = false}), {features});
}

/// log((1/n) Σ exp(x)) = log Σ exp(x) - log Σ exp(0 · x), which knows n at any size of image.
BuiltTensor LogMeanExp(NetworkBuilder* net, BuiltTensor features) {
  const BuiltTensor sum = Reduce(net, "pool.sum", ReduceKind::kLogSumExp, features);
  const int zero = net->Constant("pool.zero", {1}, {0.0f});
  const BuiltTensor zeros = net->Apply("pool.zeros", MakeMul(), {features}, {zero});
  const BuiltTensor count = Reduce(net, "pool.count", ReduceKind::kLogSumExp, zeros);
  return net->Apply("pool", MakeSub(), {sum, count});
}

BuiltTensor Attention(NetworkBuilder* net, BuiltTensor features) {
  // Xavier's variance, for functions that are linear at 0.
  const auto spec = [](int64_t src, int64_t channels, bool bias) {
    return ConvSpec{.channels = channels,
                    .bias = bias,
                    .deviation = std::sqrt(2.0 / static_cast<double>(src + channels))};
  };
  const BuiltTensor v = net->Conv("attention.V", features, spec(features.channels, kHidden, true));
  const BuiltTensor tanh = net->Apply("attention.tanh", MakeTanh(), {v});
  const BuiltTensor u = net->Conv("attention.U", features, spec(features.channels, kHidden, true));
  const BuiltTensor gate = net->Apply("attention.sigmoid", MakeSigmoid(), {u});
  const BuiltTensor hidden = net->Apply("attention.gated", MakeMul(), {tanh, gate});
  // A softmax does not see a bias.
  const BuiltTensor scores = net->Conv("attention.w", hidden, spec(kHidden, 1, false));
  const BuiltTensor pooled = net->Apply("attention.pool", MakeSoftmaxPool(), {scores, features});
  const int vector = net->Apply("attention.vector", MakeReshape(3, {1, features.channels}), {pooled}).tensor;
  return {vector, features.channels};
}

BuiltTensor Pool(NetworkBuilder* net, HeadKind kind, BuiltTensor features) {
  if (kind == HeadKind::kAttention) return Attention(net, features);
  if (kind == HeadKind::kLse) return LogMeanExp(net, features);
  return Reduce(net, "pool", kind == HeadKind::kMax ? ReduceKind::kMax : ReduceKind::kMean, features);
}

}  // namespace

Graph FinishWithHead(NetworkBuilder* net, BuiltTensor features, const HeadStyle& style,
                     OptionReader* options) {
  const auto kind =
      static_cast<HeadKind>(options->Choice("head", {"average", "max", "lse", "attention", "segmentation"}));
  const int64_t outputs = options->Integer("outputs", net->logits(), 1, kMostOutputs);
  options->Finish();
  if (kind == HeadKind::kSegmentation) {
    const ConvSpec spec = {.channels = outputs, .deviation = style.deviation};
    const BuiltTensor logits = net->Conv("head", features, spec);
    return net->Finish(net->Enlarge("head.resize", logits, net->total_stride()), OutputOf::kPixels);
  }
  BuiltTensor vector = Pool(net, kind, features);
  if (!style.normalization.empty())
    vector = net->Normalization(style.normalization, MakeCoreLayerNormalization(double{1e-6f}), vector);
  return net->Finish(net->Linear(style.linear, vector, outputs, style.deviation), OutputOf::kSlide);
}

}  // namespace swath
