/// The obviously correct engine: every tensor whole, every layer once, doubles, definitions.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "base/node_seed.h"
#include "engine/check_source.h"
#include "kernels/correlation.h"
#include "layers/layer.h"
#include "swath/engine.h"
#include "tensor/bfloat16.h"

namespace swath {
namespace {

class ReferenceEngine final : public Engine {
 public:
  ReferenceEngine(const Graph& graph, const Objective& objective, Precision rows, std::vector<Kink> kinks)
      : graph_(graph), objective_(objective), rows_(rows), kinks_(std::move(kinks)) {}

  StepResult Step(const Sample& sample, const Progress&) override {
    const int64_t width = sample.image->width(), height = sample.image->height();
    CheckSource(*sample.image, {.what = "the network's input",
                                .width = width,
                                .height = height,
                                .channels = graph_.input_channels,
                                .samples = sample.image->sample_type()});
    if (objective_.pixels) {
      CheckSource(*sample.labels, {.what = "labels", .width = width, .height = height, .channels = 1});
      CheckOutputSize(graph_, width, height);
    }
    seed_ = sample.seed;
    in_core_ = InCore(graph_);
    shapes_ = InferShapes(graph_, width, height);
    MarkGradients();
    if (rows_ == Precision::kBFloat16) FindRounded(width, height);
    values_.assign(graph_.tensors.size(), {});
    diffs_.assign(graph_.tensors.size(), {});
    LoadImage(*sample.image);
    for (const Node& node : graph_.nodes) Forward(node);
    StepResult result = objective_.pixels ? TakeLoss(*sample.labels) : TakeSlideLoss(sample.target);
    for (const Parameter& p : graph_.parameters)
      result.gradients.emplace_back(p.trainable ? p.values.size() : 0, 0.0);
    result.term_sums.assign(graph_.parameters.size(), 0.0);
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) Backward(*node, &result);
    return result;
  }

 private:
  Tensor& Value(int t) { return values_[static_cast<size_t>(t)]; }
  Tensor& Diff(int t) { return diffs_[static_cast<size_t>(t)]; }

  /// What an engine with exact sums would store: rows are rounded, tensors in core are doubles.
  void Round(int t, Tensor* tensor) const {
    if (rows_ == Precision::kFloat64 || in_core_[static_cast<size_t>(t)]) return;
    for (double& value : tensor->values) value = static_cast<double>(static_cast<float>(value));
  }
  /// Of values. Those that the streaming engine keeps no rows of are not rounded: the input's samples as they
  /// are scaled, the source of an activation, and logits, which the loss sees as they are computed.
  void RoundValues(int t, Tensor* tensor) const {
    Round(t, tensor);
    if (rows_ != Precision::kBFloat16 || in_core_[static_cast<size_t>(t)] || t == graph_.output) return;
    if (!kept_.contains(graph_.tensors[static_cast<size_t>(t)])) return;
    RoundAll(tensor);
  }

  static void RoundAll(Tensor* tensor) {
    for (double& value : tensor->values)
      value = static_cast<double>(RoundToBFloat16(static_cast<float>(value)));
  }

  /// What the streaming engine rounds to bfloat16: rows that it keeps, and weights and gradients where this
  /// machine multiplies such numbers.
  void FindRounded(int64_t width, int64_t height) {
    const Plan plan = MakePlan(graph_, objective_, width, height,
                               {.threads = 1, .strips = 1, .precision = Precision::kBFloat16});
    kept_.clear();
    for (const TensorPlan& tensor : plan.tensors) kept_.insert(tensor.name);
    rounded_weights_.clear();
    for (const Node& node : graph_.nodes) {
      const auto op = std::find_if(plan.ops.begin(), plan.ops.end(),
                                   [&](const OpPlan& o) { return o.name == node.name; });
      if (op == plan.ops.end() || op->kernel != kBFloat16Kernel) continue;
      Parameter weights = graph_.parameters[static_cast<size_t>(node.parameters[0])];
      for (float& w : weights.values) w = RoundToBFloat16(w);
      rounded_weights_.emplace(node.name, std::move(weights));
    }
  }

  void MarkGradients() {
    needs_gradient_.assign(graph_.tensors.size(), false);
    for (const Node& node : graph_.nodes) {
      bool needed = false;
      for (int src : node.srcs) needed = needed || needs_gradient_[static_cast<size_t>(src)];
      for (int p : node.parameters) needed = needed || graph_.parameters[static_cast<size_t>(p)].trainable;
      needs_gradient_[static_cast<size_t>(node.dst)] = needed;
    }
  }

  void LoadImage(const RowSource& image) {
    Tensor tensor(shapes_[static_cast<size_t>(graph_.input)]);
    const Shape& shape = tensor.shape;
    const bool bytes = image.sample_type() == SampleType::kUint8;
    std::vector<uint8_t> row(
        static_cast<size_t>(shape.width * shape.channels * SampleBytes(image.sample_type())));
    std::vector<float> floats(static_cast<size_t>(shape.width * shape.channels));
    const auto source = image.Clone();
    for (int64_t y = 0; y < shape.height; ++y) {
      source->Read({y, y + 1}, row.data());
      if (bytes) {
        std::copy(row.begin(), row.end(), floats.begin());
      } else {
        std::memcpy(floats.data(), row.data(), row.size());
      }
      for (int64_t x = 0; x < shape.width; ++x) {
        for (int64_t c = 0; c < shape.channels; ++c) {
          tensor.Row(c, y)[x] = static_cast<double>(floats[static_cast<size_t>(x * shape.channels + c)]);
        }
      }
    }
    Value(graph_.input) = std::move(tensor);
  }

  ReferenceArgs Arguments(const Node& node) {
    ReferenceArgs args;
    args.seed = SeedOf(seed_, HashName(node.name));
    for (int src : node.srcs) args.srcs.push_back(&Value(src));
    for (int p : node.parameters) args.parameters.push_back(&graph_.parameters[static_cast<size_t>(p)]);
    const auto rounded = rounded_weights_.find(node.name);
    if (rounded != rounded_weights_.end()) args.parameters[0] = &rounded->second;
    return args;
  }

  void Forward(const Node& node) {
    Tensor dst(shapes_[static_cast<size_t>(node.dst)]);
    node.layer->ReferenceForward(Arguments(node), &dst);
    RoundValues(node.dst, &dst);
    Value(node.dst) = std::move(dst);
  }

  /// All sums first, then all cotangents with their coefficients: the definition of the gradient, without
  /// sweeps.
  StepResult TakeLoss(const RowSource& labels) {
    Tensor& logits = Value(graph_.output);
    const Shape& shape = logits.shape;
    const Loss& loss = *objective_.pixels;
    std::vector<double> sums(static_cast<size_t>(loss.sums()), 0.0);
    std::vector<std::byte> scratch(static_cast<size_t>(loss.scratch_bytes(shape.width)));
    std::vector<uint8_t> row(static_cast<size_t>(shape.width));
    Tensor diff(shape);
    StepResult result;
    for (const bool backward : {false, true}) {
      const auto source = labels.Clone();
      std::vector<double> ignored(sums.size(), 0.0);
      for (int64_t y = 0; y < shape.height; ++y) {
        source->Read({y, y + 1}, row.data());
        std::vector<const double*> rows;
        std::vector<double*> diffs;
        for (int64_t c = 0; c < shape.channels; ++c) {
          rows.push_back(logits.Row(c, y));
          diffs.push_back(diff.Row(c, y));
        }
        loss.Row(LossRow<double>{.logits = rows.data(),
                                 .labels = row.data(),
                                 .width = shape.width,
                                 .diff = backward ? diffs.data() : nullptr,
                                 .coefficients = backward ? result.loss.coefficients.data() : nullptr},
                 backward ? ignored.data() : sums.data(), scratch.data());
      }
      if (!backward) result.loss = loss.Finish(sums.data());
    }
    Round(graph_.output, &diff);
    Diff(graph_.output) = std::move(diff);
    return result;
  }

  StepResult TakeSlideLoss(const std::vector<double>& target) {
    StepResult result;
    Tensor diff(Value(graph_.output).shape);
    result.loss.output = Value(graph_.output).values;
    result.loss.loss = objective_.slide->Evaluate(result.loss.output, target, &diff.values);
    Diff(graph_.output) = std::move(diff);
    return result;
  }

  void Backward(const Node& node, StepResult* result) {
    Tensor& diff_dst = Diff(node.dst);
    if (!needs_gradient_[static_cast<size_t>(node.dst)] || diff_dst.empty()) return;
    ReferenceGradients gradients;
    for (int src : node.srcs) {
      Tensor& diff = Diff(src);
      if (needs_gradient_[static_cast<size_t>(src)] && diff.empty())
        diff = Tensor(shapes_[static_cast<size_t>(src)]);
      gradients.diff_srcs.push_back(needs_gradient_[static_cast<size_t>(src)] ? &diff : nullptr);
    }
    for (int p : node.parameters) {
      const bool trainable = graph_.parameters[static_cast<size_t>(p)].trainable;
      gradients.diff_parameters.push_back(trainable ? &result->gradients[static_cast<size_t>(p)] : nullptr);
    }
    if (rounded_weights_.contains(node.name)) RoundAll(&diff_dst);
    ReferenceArgs args = Arguments(node);
    const Kink* kink = FindKink(node);
    // A maximum is picked by all the values that it is picked from.
    const bool picks = node.layer->type().find("Max") != std::string_view::npos;
    Tensor moved;
    if (kink && picks) {
      moved = WithinRounding(*kink, *args.srcs[0]);
      result->sides += CountJumps(Derivative(node, args), DerivativeAt(node, args, moved));
      args.srcs[0] = &moved;
    }
    if (FromOutput(node)) {
      AddProduct(Derivative(node, args), diff_dst, gradients.diff_srcs[0]);
    } else {
      node.layer->ReferenceBackward(args, Value(node.dst), diff_dst, gradients);
    }
    if (kink && !picks) TakeSides(*kink, node, args, diff_dst, gradients.diff_srcs[0], result);
    for (size_t i = 0; i < node.srcs.size(); ++i) {
      if (gradients.diff_srcs[i]) Round(node.srcs[i], gradients.diff_srcs[i]);
    }
    SumTerms(node, result);
    Diff(node.dst) = Tensor();
  }

  const Kink* FindKink(const Node& node) const {
    const int index = static_cast<int>(&node - graph_.nodes.data());
    const auto kink =
        std::find_if(kinks_.begin(), kinks_.end(), [&](const Kink& k) { return k.node == index; });
    return kink == kinks_.end() ? nullptr : &*kink;
  }

  /// Whether the way back knows only what was rounded, the output: the derivative of a sigmoid near 1 is then
  /// rounding, too.
  bool FromOutput(const Node& node) const {
    return rows_ != Precision::kFloat64 && node.layer->kind() == LayerKind::kActivation &&
           !in_core_[static_cast<size_t>(node.dst)];
  }

  static void AddProduct(const Tensor& a, const Tensor& b, Tensor* sum) {
    for (size_t i = 0; sum && i < a.values.size(); ++i) sum->values[i] += a.values[i] * b.values[i];
  }

  static int64_t CountJumps(const Tensor& a, const Tensor& b) {
    int64_t count = 0;
    for (size_t i = 0; i < a.values.size(); ++i) count += Jumps(a.values[i], b.values[i]);
    return count;
  }

  /// Rounding alone does not change a derivative by so much.
  static bool Jumps(double a, double b) { return std::abs(a - b) > 1e-3; }

  /// Of the sum of a node's values by its first source.
  Tensor Derivative(const Node& node, const ReferenceArgs& args) {
    Tensor ones(Value(node.dst).shape);
    std::fill(ones.values.begin(), ones.values.end(), 1.0);
    if (FromOutput(node)) {
      const auto& activation = static_cast<const Activation&>(*node.layer);
      activation.Backward(Value(node.dst).values.data(), ones.values.data(), ones.shape.size());
      return ones;
    }
    Tensor derivative(args.srcs[0]->shape);
    ReferenceGradients gradients{.diff_srcs = {&derivative}, .diff_parameters = {}};
    gradients.diff_parameters.assign(node.parameters.size(), nullptr);
    node.layer->ReferenceBackward(args, Value(node.dst), ones, gradients);
    return derivative;
  }

  /// The same with another source, as float32 rows have it.
  Tensor DerivativeAt(const Node& node, ReferenceArgs args, const Tensor& src) {
    args.srcs[0] = &src;
    if (node.layer->kind() != LayerKind::kActivation || in_core_[static_cast<size_t>(node.dst)])
      return Derivative(node, args);
    const auto& activation = static_cast<const Activation&>(*node.layer);
    std::vector<float> values(src.values.begin(), src.values.end()), ones(values.size(), 1.0f);
    const int64_t n = src.shape.size();
    activation.Forward(values.data(), n);
    activation.Backward(values.data(), ones.data(), n);
    Tensor derivative(src.shape);
    std::copy(ones.begin(), ones.end(), derivative.values.begin());
    return derivative;
  }

  /// The source, with float32's values where they are the same but for rounding.
  static Tensor WithinRounding(const Kink& kink, const Tensor& src) {
    double rounding = 0;
    for (const double value : src.values) rounding = std::max(rounding, 0x1p-17 * std::abs(value));
    Tensor moved = src;
    for (size_t i = 0; i < moved.values.size(); ++i) {
      if (std::abs(kink.src[i] - src.values[i]) <= rounding) moved.values[i] = kink.src[i];
    }
    return moved;
  }

  /// Where the derivative of a function of each value jumps between ours and float32's, theirs is taken.
  void TakeSides(const Kink& kink, const Node& node, const ReferenceArgs& args, const Tensor& diff_dst,
                 Tensor* diff_src, StepResult* result) {
    if (!diff_src) return;
    const Tensor ours = Derivative(node, args);
    Tensor change = DerivativeAt(node, args, WithinRounding(kink, *args.srcs[0]));
    result->sides += CountJumps(ours, change);
    for (size_t i = 0; i < change.values.size(); ++i) {
      const double theirs = change.values[i];
      change.values[i] = Jumps(ours.values[i], theirs) ? theirs - ours.values[i] : 0;
    }
    AddProduct(change, diff_dst, diff_src);
  }

  /// The gradient of a parameter is a sum of products of a source and a gradient; with absolute values in
  /// their place it becomes the sum of its terms' absolute values.
  void SumTerms(const Node& node, StepResult* result) {
    ReferenceGradients gradients;
    std::vector<std::vector<double>> sums;
    for (int p : node.parameters)
      sums.push_back(std::vector<double>(result->gradients[static_cast<size_t>(p)].size(), 0.0));
    bool any = false;
    for (std::vector<double>& sum : sums) {
      gradients.diff_parameters.push_back(sum.empty() ? nullptr : &sum);
      any = any || !sum.empty();
    }
    if (!any) return;
    const auto absolute = [](Tensor tensor) {
      for (double& value : tensor.values) value = std::abs(value);
      return tensor;
    };
    ReferenceArgs args = Arguments(node);
    std::vector<Tensor> srcs;
    for (const Tensor* src : args.srcs) srcs.push_back(absolute(*src));
    for (size_t i = 0; i < srcs.size(); ++i) args.srcs[i] = &srcs[i];
    gradients.diff_srcs.assign(srcs.size(), nullptr);
    node.layer->ReferenceBackward(args, Value(node.dst), absolute(Diff(node.dst)), gradients);
    for (size_t i = 0; i < sums.size(); ++i) {
      double& largest = result->term_sums[static_cast<size_t>(node.parameters[i])];
      for (double sum : sums[i]) largest = std::max(largest, sum);
    }
  }

  const Graph& graph_;
  Objective objective_;
  Precision rows_;
  std::vector<Kink> kinks_;
  uint64_t seed_ = 0;
  std::vector<bool> in_core_;
  std::set<std::string> kept_;                        // tensors whose rows are rounded to bfloat16
  std::map<std::string, Parameter> rounded_weights_;  // by node, of those that multiply bfloat16
  std::vector<Shape> shapes_;
  std::vector<bool> needs_gradient_;
  std::vector<Tensor> values_;
  std::vector<Tensor> diffs_;
};

}  // namespace

std::unique_ptr<Engine> MakeReferenceEngine(const Graph& graph, const Objective& objective, Precision rows,
                                            std::vector<Kink> kinks) {
  return std::make_unique<ReferenceEngine>(graph, objective, rows, std::move(kinks));
}

}  // namespace swath
