/// The pooling of attention (Ilse et al. 2018): a softmax over all pixels of the first source's channels, the
/// scores, gives weights; dst[c, k] = Σ weight[k] · features[c], for every channel k of the scores. ONNX has
/// no such operator; exporters write Reshape, Softmax and MatMul, which is how it is imported and exported.
///
/// The softmax is accumulated online: largest score, Σ exp(score - largest) and Σ exp(score - largest) ·
/// features.
#include <cmath>
#include <limits>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_reduction.h"

namespace swath {
namespace {

class SoftmaxPool final : public SimpleReduction<SoftmaxPool> {
 public:
  std::string_view type() const override { return "SoftmaxPool"; }
  int DstRank(const std::vector<int>&) const override { return 3; }
  BackwardReads backward_reads() const override { return {.src = true}; }

  /// [1, features, scores]
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 2);
    ExpectOneSize(srcs);
    return {1, srcs[1].channels, srcs[0].channels};
  }

  int64_t StateSize(const std::vector<Shape>& srcs) const override { return srcs[0].channels * One(srcs); }
  void Clear(const std::vector<Shape>& srcs, double* state) const override {
    std::fill_n(state, StateSize(srcs), 0.0);
    for (int64_t k = 0; k < srcs[0].channels; ++k)
      state[k * One(srcs)] = -std::numeric_limits<double>::infinity();
  }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    const int64_t n = row.columns.size();
    std::vector<double> of_row(static_cast<size_t>(One(srcs))), weights(static_cast<size_t>(n));
    for (int64_t k = 0; k < srcs[0].channels && n > 0; ++k) {
      const T* score = row.srcs[0].At(row.y, k);
      const double most = static_cast<double>(*std::max_element(score, score + n));
      of_row.assign(of_row.size(), 0.0);
      of_row[0] = most;
      for (int64_t x = 0; x < n; ++x) {
        weights[static_cast<size_t>(x)] = std::exp(static_cast<double>(score[x]) - most);
        of_row[1] += weights[static_cast<size_t>(x)];
      }
      for (int64_t c = 0; c < srcs[1].channels; ++c) {
        const T* feature = row.srcs[1].At(row.y, c);
        double sum = 0;
        for (int64_t x = 0; x < n; ++x)
          sum += weights[static_cast<size_t>(x)] * static_cast<double>(feature[x]);
        of_row[static_cast<size_t>(2 + c)] = sum;
      }
      Combine(srcs, of_row.data(), state + k * One(srcs));
    }
  }

  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t k = 0; k < srcs[0].channels; ++k)
      Combine(srcs, other + k * One(srcs), state + k * One(srcs));
  }

  void Finish(const std::vector<Shape>& srcs, const double* state, Tensor* dst) const override {
    for (int64_t k = 0; k < srcs[0].channels; ++k) {
      const double* s = state + k * One(srcs);
      for (int64_t c = 0; c < srcs[1].channels; ++c) dst->Row(0, c)[k] = s[2 + c] / s[1];
    }
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    const int64_t n = row.columns.size();
    std::vector<double> weights(static_cast<size_t>(n)), along(static_cast<size_t>(n));
    for (int64_t k = 0; k < srcs[0].channels; ++k) {
      const double* s = result.state + k * One(srcs);
      const T* score = row.srcs[0].At(row.y, k);
      for (int64_t x = 0; x < n; ++x)
        weights[static_cast<size_t>(x)] = std::exp(static_cast<double>(score[x]) - s[0]) / s[1];
      along.assign(along.size(), 0.0);  // Σ diff_dst · (feature - dst)
      for (int64_t c = 0; c < srcs[1].channels; ++c) {
        const double d = result.diff_dst.Row(0, c)[k], mean = result.dst.Row(0, c)[k];
        const T* feature = row.srcs[1].At(row.y, c);
        for (int64_t x = 0; x < n; ++x)
          along[static_cast<size_t>(x)] += d * (static_cast<double>(feature[x]) - mean);
        if (T* diff_feature = row.diff_srcs[1].At(row.y, c)) {
          for (int64_t x = 0; x < n; ++x)
            diff_feature[x] += static_cast<T>(weights[static_cast<size_t>(x)] * d);
        }
      }
      if (T* diff_score = row.diff_srcs[0].At(row.y, k)) {
        for (int64_t x = 0; x < n; ++x)
          diff_score[x] += static_cast<T>(weights[static_cast<size_t>(x)] * along[static_cast<size_t>(x)]);
      }
    }
  }

 private:
  /// Values of the state by channel of the scores.
  static int64_t One(const std::vector<Shape>& srcs) { return 2 + srcs[1].channels; }

  static void Combine(const std::vector<Shape>& srcs, const double* other, double* state) {
    const double most = std::max(other[0], state[0]);
    if (std::isinf(most)) return;
    const double ours = std::exp(state[0] - most), theirs = std::exp(other[0] - most);
    for (int64_t i = 1; i < One(srcs); ++i) state[i] = state[i] * ours + other[i] * theirs;
    state[0] = most;
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeSoftmaxPool() { return std::make_shared<SoftmaxPool>(); }

}  // namespace swath
