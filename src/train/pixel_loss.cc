/// BCE, cross-entropy and soft Dice over pixels, and their sum.
///
/// Cotangents, in this order: the cross-entropy's Σ w l (if it takes part); then for every class of Dice the
/// gradients of I = Σ p t and of F = Σ p (1 - t). With D = (2I + ε) / (I + F + G + ε) the gradient of 1 - D
/// is (D / (I + F + G + ε)) (∇I + ∇F) - 2 / (I + F + G + ε) ∇I  (Milletari et al. 2016 with sums in place of
/// squares). I and F have no pixel in common, where I and P = I + F would cancel in every true pixel.

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/loss_rows.h"
#include "swath/loss.h"
#include "train/probabilities.h"

namespace swath {
namespace {

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
  // Probabilities and complements, the tail, and a row of a gradient being added up.
  int64_t scratch_bytes(int64_t width) const override {
    return (2 * logits_ + 2) * width * static_cast<int64_t>(sizeof(double));
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
    double* diff = reinterpret_cast<double*>(scratch);
    T* values = reinterpret_cast<T*>(diff + row.width);
    const Probabilities<T> probabilities{.width = row.width,
                                         .p = values,
                                         .q = values + logits_ * row.width,
                                         .tail = values + 2 * logits_ * row.width};
    if (logits_ == 1) {
      if (AddBinary(row, probabilities, sums)) return;
    } else {
      Softmax(row.logits, logits_, probabilities);
      AddClasses(row, probabilities, sums);
    }
    if (row.diff) WriteCotangents(row, probabilities, diff);
  }

  void CheckLabels(const uint8_t* labels, int64_t width) const {
    // In bytes, of which a vector has many.
    const uint8_t ignored = static_cast<uint8_t>(ignore_), counts_as = ignore_ >= 0 ? 0 : ignored;
    uint8_t worst = 0;
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t label = labels[x] == ignored ? counts_as : labels[x];
      worst = std::max(worst, label);
    }
    if (worst >= labels_) {
      Fail(ErrorCode::kInput, "label {} found, expected 0 to {}{}", worst, labels_ - 1,
           ignore_ >= 0 ? fmt::format(" or {} (ignored)", ignore_) : "");
    }
  }

  /// Adds to the sums and fills probabilities. True where it has written the cotangents, too.
  bool AddBinary(const LossRow<float>& row, const Probabilities<float>& probabilities, double* sums) const {
    const bool writes = row.diff && cotangents() == 1 && !row.coefficients;
    const rows::BinarySums s = rows::BinaryLoss({.z = row.logits[0],
                                                 .labels = row.labels,
                                                 .n = row.width,
                                                 .ignore = ignore_,
                                                 .weights = {weights_[0], weights_[1]},
                                                 .overlap = dice_},
                                                {.p = writes ? nullptr : probabilities.p,
                                                 .q = writes ? nullptr : probabilities.q,
                                                 .diff = writes ? row.diff[0] : nullptr});
    AddSums(s.loss, s.weight, s.valid, sums);
    AddClass({.both = s.both,
              .predicted = s.predicted,
              .truth = static_cast<double>(s.truth),
              .hard_both = s.hard_both,
              .hard_predicted = s.hard_predicted,
              .hard_truth = s.truth},
             0, sums);
    return writes;
  }

  bool AddBinary(const LossRow<double>& row, const Probabilities<double>& probabilities, double* sums) const {
    Sigmoid(row.logits[0], probabilities);
    ClassSums s;
    double loss = 0, weight = 0;
    int64_t valid = 0;
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      const bool counts = label != ignore_;
      const double on = counts ? 1.0 : 0.0, t = counts ? label : 0.0;
      const double w = on * weights_[counts ? static_cast<size_t>(label) : 0];
      const double z = row.logits[0][x], p = probabilities.p[x];
      loss += w * (probabilities.tail[x] + std::max(label == 1 ? -z : z, 0.0));
      weight += w;
      valid += counts;
      s.both += t * p;
      s.predicted += on * p;
      s.truth += t;
      const bool positive = counts && z > 0;
      s.hard_both += positive && label == 1;
      s.hard_predicted += positive;
      s.hard_truth += counts && label == 1;
    }
    AddSums(loss, weight, valid, sums);
    AddClass(s, 0, sums);
    return false;
  }

  template <class T>
  void AddClasses(const LossRow<T>& row, const Probabilities<T>& probabilities, double* sums) const {
    double loss = 0, weight = 0;
    int64_t valid = 0;
    std::vector<ClassSums> s(static_cast<size_t>(logits_));
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      if (label == ignore_) continue;
      const double w = weights_[static_cast<size_t>(label)];
      weight += w;
      ++valid;
      int64_t best = 0;
      for (int64_t c = 0; c < logits_; ++c) {
        const double value = static_cast<double>(probabilities.P(c)[x]);
        s[static_cast<size_t>(c)].predicted += value;
        if (c == label) s[static_cast<size_t>(c)].both += value;
        if (row.logits[c][x] > row.logits[best][x]) best = c;
      }
      loss += w * static_cast<double>(probabilities.tail[x] + (row.logits[best][x] - row.logits[label][x]));
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

  /// Each by itself; or all with their coefficients, which are added in doubles before they are rounded once,
  /// since they cancel.
  template <class T>
  void WriteCotangents(const LossRow<T>& row, const Probabilities<T>& probabilities, double* diff) const {
    for (int64_t j = 0; j < logits_; ++j) {
      std::fill_n(diff, row.width, 0.0);
      for (int64_t k = 0; k < cotangents(); ++k) {
        AddCotangent(row, probabilities,
                     {.k = k, .logit = j, .factor = row.coefficients ? row.coefficients[k] : 1.0}, diff);
        if (row.coefficients) continue;
        Store(diff, row.width, row.diff[k * logits_ + j]);
        std::fill_n(diff, row.width, 0.0);
      }
      if (row.coefficients) Store(diff, row.width, row.diff[j]);
    }
  }

  template <class T>
  static void Store(const double* src, int64_t n, T* dst) {
    std::transform(src, src + n, dst, [](double value) { return static_cast<T>(value); });
  }

  struct Term {
    int64_t k;      ///< cotangent
    int64_t logit;  ///< with respect to which
    double factor;
  };

  template <class T>
  void AddCotangent(const LossRow<T>& row, const Probabilities<T>& probabilities, const Term& term,
                    double* diff) const {
    if (entropy_ && term.k == 0) return AddEntropy(row, probabilities, term, diff);
    const int64_t dice = term.k - (entropy_ ? 1 : 0), c = dice / 2;
    const int own = LabelOf(c);
    const bool inside = dice % 2 == 0;
    // With softmax ∂p_c/∂z_j = p_c (δ_cj - p_j); with the sigmoid p (1 - p).
    const T *pc = probabilities.P(c),
            *other = c == term.logit ? probabilities.Q(c) : probabilities.P(term.logit);
    const double factor = c == term.logit ? term.factor : -term.factor;
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      const bool counts = inside ? label == own : label != own && label != ignore_;
      diff[x] += counts ? factor * static_cast<double>(pc[x]) * static_cast<double>(other[x]) : 0.0;
    }
  }

  template <class T>
  void AddEntropy(const LossRow<T>& row, const Probabilities<T>& probabilities, const Term& term,
                  double* diff) const {
    const T *p = probabilities.P(term.logit), *q = probabilities.Q(term.logit);
    const int own = LabelOf(term.logit);
    for (int64_t x = 0; x < row.width; ++x) {
      const int label = row.labels[x];
      if (label == ignore_) continue;
      const double w = term.factor * weights_[static_cast<size_t>(label)];
      diff[x] += w * static_cast<double>(label == own ? -q[x] : p[x]);
    }
  }

  /// The label of the class that a logit stands for.
  int LabelOf(int64_t logit) const { return logits_ == 1 ? 1 : static_cast<int>(logit); }

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
    const double outside = share * numerator / (denominator * denominator);
    value.coefficients.push_back(outside - share * 2 / denominator);
    value.coefficients.push_back(outside);
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
  if (!options.class_weights.empty() && options.kind == LossKind::kDice && options.logits == 1) {
    Fail(ErrorCode::kUsage, "Dice of a binary network is that of its one class, expected no class weights");
  }
  if (!options.class_weights.empty() &&
      *std::max_element(options.class_weights.begin(), options.class_weights.end()) == 0) {
    Fail(ErrorCode::kUsage, "all class weights are 0, expected one at least above it");
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
