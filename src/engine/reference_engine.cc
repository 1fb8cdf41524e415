/// The obviously correct engine: every tensor whole, every layer once, doubles, definitions.
#include <algorithm>
#include <cmath>

#include "engine/check_source.h"
#include "layers/layer.h"
#include "swath/engine.h"

namespace swath {
namespace {

class ReferenceEngine final : public Engine {
 public:
  ReferenceEngine(const Graph& graph, const Loss& loss, Precision rows, std::vector<Kink> kinks)
      : graph_(graph), loss_(loss), rows_(rows), kinks_(std::move(kinks)) {}

  StepResult Step(const Sample& sample, const Progress&) override {
    const int64_t width = sample.image->width(), height = sample.image->height();
    CheckSource(
        *sample.image,
        {.what = "the network's input", .width = width, .height = height, .channels = graph_.input_channels});
    CheckSource(*sample.labels, {.what = "labels", .width = width, .height = height, .channels = 1});
    CheckOutputSize(graph_, width, height);
    shapes_ = InferShapes(graph_, width, height);
    MarkGradients();
    values_.assign(graph_.tensors.size(), {});
    diffs_.assign(graph_.tensors.size(), {});
    LoadImage(*sample.image);
    for (const Node& node : graph_.nodes) Forward(node);
    StepResult result = TakeLoss(*sample.labels);
    for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) Backward(*node, &result);
    return result;
  }

 private:
  Tensor& Value(int t) { return values_[static_cast<size_t>(t)]; }
  Tensor& Diff(int t) { return diffs_[static_cast<size_t>(t)]; }

  /// What a float32 engine with exact sums would store.
  void Round(Tensor* tensor) const {
    if (rows_ == Precision::kFloat64) return;
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
    std::vector<uint8_t> row(static_cast<size_t>(shape.width * shape.channels));
    const auto source = image.Clone();
    for (int64_t y = 0; y < shape.height; ++y) {
      source->Read({y, y + 1}, row.data());
      for (int64_t x = 0; x < shape.width; ++x) {
        for (int64_t c = 0; c < shape.channels; ++c) {
          tensor.Row(c, y)[x] = row[static_cast<size_t>(x * shape.channels + c)];
        }
      }
    }
    Value(graph_.input) = std::move(tensor);
  }

  ReferenceArgs Arguments(const Node& node) {
    ReferenceArgs args;
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
    Round(&dst);
    Value(node.dst) = std::move(dst);
  }

  /// All sums first, then all cotangents with their coefficients: the definition of the gradient, without
  /// sweeps.
  StepResult TakeLoss(const RowSource& labels) {
    Tensor& logits = Value(graph_.output);
    const Shape& shape = logits.shape;
    std::vector<double> sums(static_cast<size_t>(loss_.sums()), 0.0);
    std::vector<std::byte> scratch(static_cast<size_t>(loss_.scratch_bytes(shape.width)));
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
        loss_.Row(LossRow<double>{.logits = rows.data(),
                                  .labels = row.data(),
                                  .width = shape.width,
                                  .diff = backward ? diffs.data() : nullptr,
                                  .coefficients = backward ? result.loss.coefficients.data() : nullptr},
                  backward ? ignored.data() : sums.data(), scratch.data());
      }
      if (!backward) result.loss = loss_.Finish(sums.data());
    }
    for (const Parameter& p : graph_.parameters)
      result.gradients.emplace_back(p.trainable ? p.values.size() : 0, 0.0);
    result.term_sums.assign(graph_.parameters.size(), 0.0);
    Round(&diff);
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
    for (Tensor* diff : gradients.diff_srcs) {
      if (diff) Round(diff);
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
  const Loss& loss_;
  Precision rows_;
  std::vector<Kink> kinks_;
  std::vector<Shape> shapes_;
  std::vector<bool> needs_gradient_;
  std::vector<Tensor> values_;
  std::vector<Tensor> diffs_;
};

}  // namespace

std::unique_ptr<Engine> MakeReferenceEngine(const Graph& graph, const Loss& loss, Precision rows,
                                            std::vector<Kink> kinks) {
  return std::make_unique<ReferenceEngine>(graph, loss, rows, std::move(kinks));
}

}  // namespace swath
