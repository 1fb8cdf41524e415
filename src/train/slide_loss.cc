/// Losses over the values that a network gives for a slide: one target a slide, not one a pixel.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "swath/loss.h"

namespace swath {
namespace {

/// -log of the softmax at the target class. The target is its index.
class SlideCrossEntropy final : public SlideLoss {
 public:
  explicit SlideCrossEntropy(const SlideLossOptions& options)
      : classes_(options.values), weights_(options.class_weights) {}

  int64_t values() const override { return classes_; }
  int64_t targets() const override { return 1; }

  double Evaluate(const std::vector<double>& output, const std::vector<double>& target,
                  std::vector<double>* diff) const override {
    const double label = target.at(0);
    if (!(label >= 0 && label < static_cast<double>(classes_)) || label != std::floor(label))
      Fail(ErrorCode::kInput, "target {}, expected a class from 0 to {}", label, classes_ - 1);
    const size_t c = static_cast<size_t>(label);
    const double weight = weights_.empty() ? 1 : weights_[c];
    const double most = *std::max_element(output.begin(), output.end());
    double sum = 0;
    for (const double z : output) sum += std::exp(z - most);
    for (size_t i = 0; diff && i < output.size(); ++i)
      (*diff)[i] = weight * (std::exp(output[i] - most) / sum - (i == c ? 1 : 0));
    return weight * (std::log(sum) + most - output[c]);
  }

 private:
  int64_t classes_;
  std::vector<double> weights_;
};

/// The mean over the values that have a target of one of them each.
class ValueByValue : public SlideLoss {
 public:
  explicit ValueByValue(int64_t values) : values_(values) {}

  int64_t values() const override { return values_; }
  int64_t targets() const override { return values_; }

  double Evaluate(const std::vector<double>& output, const std::vector<double>& target,
                  std::vector<double>* diff) const override {
    const auto known = std::count_if(target.begin(), target.end(), [](double t) { return !std::isnan(t); });
    if (known == 0) Fail(ErrorCode::kInput, "the slide has no target: all are missing");
    double loss = 0;
    for (size_t i = 0; i < output.size(); ++i) {
      double slope = 0;
      if (!std::isnan(target[i])) loss += One(output[i], target[i], i, &slope) / static_cast<double>(known);
      if (diff) (*diff)[i] = slope / static_cast<double>(known);
    }
    return loss;
  }

 protected:
  virtual double One(double output, double target, size_t i, double* slope) const = 0;

 private:
  int64_t values_;
};

/// Binary cross-entropy of the sigmoid; class_weights are of a target of 1, by value.
class SlideBce final : public ValueByValue {
 public:
  explicit SlideBce(const SlideLossOptions& options)
      : ValueByValue(options.values), weights_(options.class_weights) {}

 private:
  double One(double z, double target, size_t i, double* slope) const override {
    if (!(target >= 0 && target <= 1)) Fail(ErrorCode::kInput, "target {}, expected 0 to 1", target);
    const double positive = weights_.empty() ? 1 : weights_[i];
    const double tail = std::log1p(std::exp(-std::abs(z))), p = 1 / (1 + std::exp(-z));
    *slope = (1 - target) * p - positive * target * (1 - p);
    return positive * target * (tail + std::max(-z, 0.0)) + (1 - target) * (tail + std::max(z, 0.0));
  }

  std::vector<double> weights_;
};

class SlideMse final : public ValueByValue {
 public:
  using ValueByValue::ValueByValue;

 private:
  double One(double output, double target, size_t, double* slope) const override {
    *slope = 2 * (output - target);
    return (output - target) * (output - target);
  }
};

}  // namespace

std::unique_ptr<SlideLoss> MakeSlideLoss(const SlideLossOptions& options) {
  if (options.values < 1)
    Fail(ErrorCode::kUsage, "a loss over {} values, expected at least 1", options.values);
  if (!options.class_weights.empty() && static_cast<int64_t>(options.class_weights.size()) != options.values)
    Fail(ErrorCode::kUsage, "{} class weights, expected {}", options.class_weights.size(), options.values);
  for (const double w : options.class_weights) {
    if (!(w >= 0) || !std::isfinite(w))
      Fail(ErrorCode::kUsage, "class weight {}, expected a number of at least 0", w);
  }
  switch (options.kind) {
    case SlideLossKind::kBce:
      return std::make_unique<SlideBce>(options);
    case SlideLossKind::kMse:
      if (!options.class_weights.empty())
        Fail(ErrorCode::kUsage, "mse has no classes, expected no class weights");
      return std::make_unique<SlideMse>(options.values);
    case SlideLossKind::kCrossEntropy:
      if (options.values < 2) {
        Fail(ErrorCode::kUsage,
             "cross-entropy needs a network with at least 2 values, this one has {}; use bce",
             options.values);
      }
      return std::make_unique<SlideCrossEntropy>(options);
  }
  return nullptr;
}

SlideLossKind ParseSlideLossKind(const std::string& name) {
  for (const SlideLossKind kind : {SlideLossKind::kBce, SlideLossKind::kCrossEntropy, SlideLossKind::kMse}) {
    if (ToString(kind) == name) return kind;
  }
  Fail(ErrorCode::kUsage, "loss '{}' over slides, expected bce, cross-entropy or mse", name);
}

std::string ToString(SlideLossKind kind) {
  switch (kind) {
    case SlideLossKind::kBce:
      return "bce";
    case SlideLossKind::kCrossEntropy:
      return "cross-entropy";
    case SlideLossKind::kMse:
      return "mse";
  }
  return "";
}

}  // namespace swath
