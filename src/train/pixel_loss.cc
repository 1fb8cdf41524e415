/// BCE, cross-entropy and soft Dice over pixels, and their sum.
///
/// Cotangents, in this order: the cross-entropy's Σ w l (if it takes part); then for every class of Dice the
/// gradients of I = Σ p t and of P = Σ p. With D = (2I + ε) / (P + G + ε) the gradient of 1 - D is -2 / (P +
/// G + ε) ∇I + (2I + ε) / (P + G + ε)² ∇P  (Milletari et al. 2016 with sums in place of squares).

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/rows.h"
#include "swath/loss.h"

namespace swath {
namespace {

void SigmoidRow(const float* z, int64_t n, float* p, float* softplus) {
  rows::SigmoidAndSoftplus(z, n, p, softplus);
}
void SigmoidRow(const double* z, int64_t n, double* p, double* softplus) {
  for (int64_t x = 0; x < n; ++x) {
    const double e = std::exp(-std::abs(z[x]));
    p[x] = z[x] >= 0 ? 1 / (1 + e) : e / (1 + e);
    softplus[x] = std::max(z[x], 0.0) + std::log1p(e);
  }
}
void ExpRow(float* row, int64_t n) { rows::Exp(row, n); }
void ExpRow(double* row, int64_t n) {
  for (int64_t x = 0; x < n; ++x) row[x] = std::exp(row[x]);
}

class PixelLoss final : public Loss {
 public:
  explicit PixelLoss(const LossOptions& options)
      : logits_(options.logits),
        labels_(options.logits == 1 ? 2 : options.logits),
        entropy_(options.kind != LossKind::kDice),
        dice_(options.kind == LossKind::kDice || options.kind == LossKind::kBceDice),
        ignore_(options.ignore_label),
        epsilon_(options.dice_epsilon),
        weights_(options.class_weights) {
    if (weights_.empty()) weights_.assign(static_cast<size_t>(labels_), 1.0);
    for (double w : weights_) total_weight_ += w;
  }

  int64_t cotangents() const override { return (entropy_ ? 1 : 0) + (dice_ ? 2 * logits_ : 0); }
  // Σ w l, Σ w, valid pixels; by class I, P, G; by class both, predicted, true.
  int64_t sums() const override { return 3 + 6 * logits_; }
  int64_t scratch_bytes(int64_t width) const override {
    return (logits_ + 1) * width * static_cast<int64_t>(sizeof(double));
  }

  void Row(const LossRow<float>& row, double* sums, std::byte* scratch) const override {
    RowOf(row, sums, scratch);
  }
  void Row(const LossRow<double>& row, double* sums, std::byte* scratch) const override {
    RowOf(row, sums, scratch);
  }

  Value Finish(const double* sums) const override;

 private:
  /// Sums of one row, kept apart so that a row's additions stay in registers.
  struct ClassSums {
    double both = 0, predicted = 0, truth = 0;                  // soft
    int64_t hard_both = 0, hard_predicted = 0, hard_truth = 0;  // at the decision
  };

  template <class T>
  void RowOf(const LossRow<T>& row, double* sums, std::byte* scratch) const {
    CheckLabels(row.labels, row.width);
    T* p = reinterpret_cast<T*>(scratch);
    T* loss = p + logits_ * row.width;
    if (logits_ == 1) {
      SigmoidRow(row.logits[0], row.width, p, loss);
      AddBinary(row, p, loss, sums);
    } else {
      Softmax(row, p, loss);
      AddClasses(row, p, loss, sums);
    }
    if (!row.diff) return;
    for (int64_t k = 0; k < (row.coefficients ? 1 : cotangents()); ++k) {
      for (int64_t c = 0; c < logits_; ++c) std::fill_n(row.diff[k * logits_ + c], row.width, T(0));
    }
    int64_t k = 0;
    if (entropy_) WriteEntropy(row, p, k++);
    for (int64_t c = 0; c < logits_ && dice_; ++c, k += 2) WriteDice(row, p, c, k);
  }

  void CheckLabels(const uint8_t* labels, int64_t width) const {
    int worst = 0;
    for (int64_t x = 0; x < width; ++x) {
      const int label = labels[x];
      worst = std::max(worst, label == ignore_ ? 0 : label);
    }
    if (worst >= labels_) {
      Fail(ErrorCode::kInput, "label {} found, expected 0 to {}{}", worst, labels_ - 1,
           ignore_ >= 0 ? fmt::format(" or {} (ignored)", ignore_) : "");
    }
  }

  /// p <- softmax of the logits; lse <- log Σ exp.
  template <class T>
  void Softmax(const LossRow<T>& row, T* p, T* lse) const {
    std::copy_n(row.logits[0], row.width, lse);
    for (int64_t c = 1; c < logits_; ++c) {
      for (int64_t x = 0; x < row.width; ++x) lse[x] = std::max(lse[x], row.logits[c][x]);
    }
    for (int64_t c = 0; c < logits_; ++c) {
      for (int64_t x = 0; x < row.width; ++x) p[c * row.width + x] = row.logits[c][x] - lse[x];
      ExpRow(p + c * row.width, row.width);
    }
    for (int64_t x = 0; x < row.width; ++x) {
      T sum = 0;
      for (int64_t c = 0; c < logits_; ++c) sum += p[c * row.width + x];
      for (int64_t c = 0; c < logits_; ++c) p[c * row.width + x] /= sum;
      lse[x] += std::log(sum);
    }
  }

  template <class T>
  void AddBinary(const LossRow<T>& row, const T* p, const T* softplus, double* sums) const {
    ClassSums s;
    double loss = 0, weight = 0;
    int64_t valid = 0;
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      const bool counts = label != ignore_;
      const double on = counts ? 1.0 : 0.0, t = counts ? label : 0.0;
      const double w = on * weights_[counts ? static_cast<size_t>(label) : 0];
      loss += w * (static_cast<double>(softplus[x]) - t * static_cast<double>(row.logits[0][x]));
      weight += w;
      valid += counts;
      s.both += t * static_cast<double>(p[x]);
      s.predicted += on * static_cast<double>(p[x]);
      s.truth += t;
      const bool positive = counts && row.logits[0][x] > 0;
      s.hard_both += positive && label == 1;
      s.hard_predicted += positive;
      s.hard_truth += counts && label == 1;
    }
    AddSums(loss, weight, valid, sums);
    AddClass(s, 0, sums);
  }

  template <class T>
  void AddClasses(const LossRow<T>& row, const T* p, const T* lse, double* sums) const {
    double loss = 0, weight = 0;
    int64_t valid = 0;
    std::vector<ClassSums> s(static_cast<size_t>(logits_));
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      if (label == ignore_) continue;
      const double w = weights_[static_cast<size_t>(label)];
      loss += w * static_cast<double>(lse[x] - row.logits[label][x]);
      weight += w;
      ++valid;
      int64_t best = 0;
      for (int64_t c = 0; c < logits_; ++c) {
        const double value = static_cast<double>(p[c * row.width + x]);
        s[static_cast<size_t>(c)].predicted += value;
        if (c == label) s[static_cast<size_t>(c)].both += value;
        if (row.logits[c][x] > row.logits[best][x]) best = c;
      }
      s[static_cast<size_t>(label)].truth += 1;
      s[static_cast<size_t>(label)].hard_truth += 1;
      s[static_cast<size_t>(best)].hard_predicted += 1;
      if (best == label) s[static_cast<size_t>(label)].hard_both += 1;
    }
    AddSums(loss, weight, valid, sums);
    for (int64_t c = 0; c < logits_; ++c) AddClass(s[static_cast<size_t>(c)], c, sums);
  }

  static void AddSums(double loss, double weight, int64_t valid, double* sums) {
    sums[0] += loss;
    sums[1] += weight;
    sums[2] += static_cast<double>(valid);
  }

  void AddClass(const ClassSums& s, int64_t c, double* sums) const {
    double* soft = sums + 3 + 3 * c;
    soft[0] += s.both;
    soft[1] += s.predicted;
    soft[2] += s.truth;
    double* hard = sums + 3 + 3 * logits_ + 3 * c;
    hard[0] += static_cast<double>(s.hard_both);
    hard[1] += static_cast<double>(s.hard_predicted);
    hard[2] += static_cast<double>(s.hard_truth);
  }

  /// The rows of cotangent k and the factor on it: its own rows, or the combined ones.
  template <class T>
  static T* const* Target(const LossRow<T>& row, int64_t k, int64_t logits, T* factor) {
    *factor = row.coefficients ? static_cast<T>(row.coefficients[k]) : T(1);
    return row.diff + (row.coefficients ? 0 : k * logits);
  }

  template <class T>
  void WriteEntropy(const LossRow<T>& row, const T* p, int64_t k) const {
    T factor;
    T* const* diff = Target(row, k, logits_, &factor);
    for (int64_t c = 0; c < logits_; ++c) {
      const int own = logits_ == 1 ? 1 : static_cast<int>(c);
      for (int64_t x = 0; x < row.width; ++x) {
        const int label = row.labels[x];
        const bool counts = label != ignore_;
        const T w = counts ? factor * static_cast<T>(weights_[static_cast<size_t>(label)]) : T(0);
        diff[c][x] += w * (p[c * row.width + x] - (label == own ? T(1) : T(0)));
      }
    }
  }

  /// Gradients of I and P of one class: with softmax, ∂p_c/∂z_j = p_c (δ_cj - p_j); with the sigmoid, p (1 -
  /// p).
  template <class T>
  void WriteDice(const LossRow<T>& row, const T* p, int64_t c, int64_t k) const {
    T factor_both, factor_predicted;
    T* const* both = Target(row, k, logits_, &factor_both);
    T* const* predicted = Target(row, k + 1, logits_, &factor_predicted);
    const int own = logits_ == 1 ? 1 : static_cast<int>(c);
    for (int64_t j = 0; j < logits_; ++j) {
      for (int64_t x = 0; x < row.width; ++x) {
        const int label = row.labels[x];
        const T pc = p[c * row.width + x], pj = p[j * row.width + x];
        const T slope = label == ignore_ ? T(0) : pc * ((c == j ? T(1) : T(0)) - pj);
        if (label == own) both[j][x] += factor_both * slope;
        predicted[j][x] += factor_predicted * slope;
      }
    }
  }

  int64_t logits_;
  int64_t labels_;
  bool entropy_;
  bool dice_;
  int ignore_;
  double epsilon_;
  std::vector<double> weights_;
  double total_weight_ = 0;
};

Loss::Value PixelLoss::Finish(const double* sums) const {
  Value value;
  value.valid_pixels = static_cast<int64_t>(sums[2]);
  if (value.valid_pixels == 0) Fail(ErrorCode::kInput, "no pixel carries a label: all are ignored");
  if (entropy_) {
    if (!(sums[1] > 0)) Fail(ErrorCode::kInput, "all labelled pixels have class weight 0");
    value.loss += sums[0] / sums[1];
    value.coefficients.push_back(1 / sums[1]);
  }
  for (int64_t c = 0; c < logits_; ++c) {
    const double* soft = sums + 3 + 3 * c;
    const double* hard = sums + 3 + 3 * logits_ + 3 * c;
    value.overlap.push_back({hard[0], hard[1], hard[2]});
    if (!dice_) continue;
    const double share = logits_ == 1 ? 1.0 : weights_[static_cast<size_t>(c)] / total_weight_;
    const double numerator = 2 * soft[0] + epsilon_, denominator = soft[1] + soft[2] + epsilon_;
    value.loss += share * (1 - numerator / denominator);
    value.coefficients.push_back(-share * 2 / denominator);
    value.coefficients.push_back(share * numerator / (denominator * denominator));
  }
  return value;
}

}  // namespace

std::unique_ptr<Loss> MakeLoss(const LossOptions& options) {
  const int64_t classes = options.logits == 1 ? 2 : options.logits;
  if (options.logits < 1 || options.logits > 255) {
    Fail(ErrorCode::kUsage, "a loss over {} logits, expected 1 to 255", options.logits);
  }
  if (options.kind == LossKind::kCrossEntropy && options.logits < 2) {
    Fail(ErrorCode::kUsage, "cross-entropy needs a network with at least 2 logits, this one has 1; use bce");
  }
  if (options.kind == LossKind::kBce && options.logits > 1) {
    Fail(ErrorCode::kUsage, "bce needs a network with 1 logit, this one has {}; use cross-entropy",
         options.logits);
  }
  if (!options.class_weights.empty() && static_cast<int64_t>(options.class_weights.size()) != classes) {
    Fail(ErrorCode::kUsage, "{} class weights, expected {}", options.class_weights.size(), classes);
  }
  for (double w : options.class_weights) {
    if (!(w >= 0) || !std::isfinite(w))
      Fail(ErrorCode::kUsage, "class weight {}, expected a number of at least 0", w);
  }
  if (!(options.dice_epsilon > 0))
    Fail(ErrorCode::kUsage, "Dice's ε is {}, expected more than 0", options.dice_epsilon);
  return std::make_unique<PixelLoss>(options);
}

LossKind ParseLossKind(const std::string& name) {
  for (LossKind kind : {LossKind::kBce, LossKind::kCrossEntropy, LossKind::kDice, LossKind::kBceDice}) {
    if (ToString(kind) == name) return kind;
  }
  Fail(ErrorCode::kUsage, "loss '{}', expected bce, cross-entropy, dice or bce-dice", name);
}

std::string ToString(LossKind kind) {
  switch (kind) {
    case LossKind::kBce:
      return "bce";
    case LossKind::kCrossEntropy:
      return "cross-entropy";
    case LossKind::kDice:
      return "dice";
    case LossKind::kBceDice:
      return "bce-dice";
  }
  return "";
}

}  // namespace swath
