/// The obviously correct engine: every tensor whole, every layer once, doubles, definitions.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/node_seed.h"
#include "engine/check_source.h"
#include "layers/layer.h"
#include "swath/engine.h"

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

  /// What a float32 engine with exact sums would store: rows are rounded, tensors in core are doubles.
  void Round(int t, Tensor* tensor) const {
    if (rows_ == Precision::kFloat64 || in_core_[static_cast<size_t>(t)]) return;
    for (double& value : tensor->values) value = static_cast<double>(static_cast<float>(value));
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
    return args;
  }

  /// Moves values that are zero but for rounding to the side of 0 that was taken elsewhere.
  void TakeSides(const Node& node) {
    const int index = static_cast<int>(&node - graph_.nodes.data());
    std::vector<double>* values = nullptr;
    double rounding = 0;
    for (const Kink& kink : kinks_) {
      if (kink.node != index) continue;
      if (!values) {
        values = &Value(node.srcs[0]).values;
        for (double value : *values) rounding = std::max(rounding, 0x1p-17 * std::abs(value));
      }
      double& value = (*values)[static_cast<size_t>(kink.index)];
      if (std::abs(value) <= rounding) value = kink.positive ? 1e-300 : -1e-300;
    }
  }

  void Forward(const Node& node) {
    TakeSides(node);
    Tensor dst(shapes_[static_cast<size_t>(node.dst)]);
    node.layer->ReferenceForward(Arguments(node), &dst);
    Round(node.dst, &dst);
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
    node.layer->ReferenceBackward(Arguments(node), Value(node.dst), diff_dst, gradients);
    for (size_t i = 0; i < node.srcs.size(); ++i) {
      if (gradients.diff_srcs[i]) Round(node.srcs[i], gradients.diff_srcs[i]);
    }
    SumTerms(node, result);
    Diff(node.dst) = Tensor();
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
