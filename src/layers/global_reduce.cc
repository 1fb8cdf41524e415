/// All pixels of a map to one value a channel, in core: GlobalAveragePool, GlobalMaxPool, ReduceMean,
/// ReduceSum, ReduceMax and ReduceLogSumExp over rows and columns (ONNX opset 1, 11, 13, 18).
#include <cmath>
#include <limits>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_reduction.h"

namespace swath {
namespace {

/// Whether [C, 1, 1] is left, or [C].
Shape ReducedShape(const std::vector<Shape>& srcs, const GlobalReduceAttributes& attributes) {
  ExpectSources(srcs, 1);
  return attributes.keep_dims ? Shape{srcs[0].channels, 1, 1} : Shape{1, 1, srcs[0].channels};
}

Attributes ReduceToOnnx(const GlobalReduceAttributes& attributes) {
  if (attributes.pool) return {};
  Attributes out = {{"keepdims", int64_t{attributes.keep_dims}}};
  if (attributes.kind != ReduceKind::kSum) out["axes"] = std::vector<int64_t>{2, 3};
  return out;
}

/// Mean and sum. State: sums, by channel.
class GlobalSum final : public SimpleReduction<GlobalSum> {
 public:
  explicit GlobalSum(const GlobalReduceAttributes& attributes) : a_(attributes) {}

  std::string_view type() const override {
    return a_.pool ? "GlobalAveragePool" : a_.kind == ReduceKind::kMean ? "ReduceMean" : "ReduceSum";
  }
  Attributes attributes() const override { return ReduceToOnnx(a_); }
  std::vector<Setting> settings() const override {
    if (a_.kind != ReduceKind::kSum) return {};
    return {{"axes", {2, 3}, Setting::Type::kIntegers}};  // an input from opset 13 on
  }
  int DstRank(const std::vector<int>& srcs) const override { return a_.keep_dims ? srcs[0] : srcs[0] - 2; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    return ReducedShape(srcs, a_);
  }
  int64_t StateSize(const std::vector<Shape>& srcs) const override { return srcs[0].channels; }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      double sum = 0;
      for (int64_t x = 0; x < row.columns.size(); ++x) sum += static_cast<double>(src[x]);
      state[c] += sum;
    }
  }
  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t c = 0; c < srcs[0].channels; ++c) state[c] += other[c];
  }
  void Finish(const std::vector<Shape>& srcs, const double* state, Tensor* dst) const override {
    for (size_t c = 0; c < dst->values.size(); ++c) dst->values[c] = state[c] / Divisor(srcs[0]);
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const T share = static_cast<T>(result.diff_dst.values[static_cast<size_t>(c)] / Divisor(srcs[0]));
      for (int64_t x = 0; x < row.columns.size(); ++x) diff_src[x] += share;
    }
  }

 private:
  double Divisor(const Shape& src) const {
    return a_.kind == ReduceKind::kMean ? static_cast<double>(src.height) * static_cast<double>(src.width)
                                        : 1.0;
  }

  GlobalReduceAttributes a_;
};

/// State: by channel the largest value and where it is, the first one in row-major order.
class GlobalMax final : public SimpleReduction<GlobalMax> {
 public:
  explicit GlobalMax(const GlobalReduceAttributes& attributes) : a_(attributes) {}

  std::string_view type() const override { return a_.pool ? "GlobalMaxPool" : "ReduceMax"; }
  Attributes attributes() const override { return ReduceToOnnx(a_); }
  int DstRank(const std::vector<int>& srcs) const override { return a_.keep_dims ? srcs[0] : srcs[0] - 2; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    return ReducedShape(srcs, a_);
  }
  int64_t StateSize(const std::vector<Shape>& srcs) const override { return 3 * srcs[0].channels; }
  void Clear(const std::vector<Shape>& srcs, double* state) const override {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      state[3 * c] = -std::numeric_limits<double>::infinity();
      state[3 * c + 1] = state[3 * c + 2] = std::numeric_limits<double>::max();
    }
  }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < row.columns.size(); ++x) {
        const double seen[3] = {static_cast<double>(src[x]), static_cast<double>(row.y),
                                static_cast<double>(row.columns.begin + x)};
        Take(seen, state + 3 * c);
      }
    }
  }
  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t c = 0; c < srcs[0].channels; ++c) Take(other + 3 * c, state + 3 * c);
  }
  void Finish(const std::vector<Shape>&, const double* state, Tensor* dst) const override {
    for (size_t c = 0; c < dst->values.size(); ++c) dst->values[c] = state[3 * c];
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      const int64_t y = static_cast<int64_t>(result.state[3 * c + 1]),
                    x = static_cast<int64_t>(result.state[3 * c + 2]);
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src || y != row.y || !row.columns.contains(x)) continue;
      diff_src[x - row.columns.begin] += static_cast<T>(result.diff_dst.values[static_cast<size_t>(c)]);
    }
  }

 private:
  static void Take(const double* seen, double* state) {
    const bool first = seen[1] < state[1] || (seen[1] == state[1] && seen[2] < state[2]);
    if (seen[0] > state[0] || (seen[0] == state[0] && first)) std::copy_n(seen, 3, state);
  }

  GlobalReduceAttributes a_;
};

/// log Σ exp(x). State: by channel the largest value m and Σ exp(x - m).
class GlobalLogSumExp final : public SimpleReduction<GlobalLogSumExp> {
 public:
  explicit GlobalLogSumExp(const GlobalReduceAttributes& attributes) : a_(attributes) {}

  std::string_view type() const override { return "ReduceLogSumExp"; }
  Attributes attributes() const override { return ReduceToOnnx(a_); }
  int DstRank(const std::vector<int>& srcs) const override { return a_.keep_dims ? srcs[0] : srcs[0] - 2; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    return ReducedShape(srcs, a_);
  }
  int64_t StateSize(const std::vector<Shape>& srcs) const override { return 2 * srcs[0].channels; }
  void Clear(const std::vector<Shape>& srcs, double* state) const override {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      state[2 * c] = -std::numeric_limits<double>::infinity();
      state[2 * c + 1] = 0;
    }
  }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      double of_row[2] = {-std::numeric_limits<double>::infinity(), 0};
      for (int64_t x = 0; x < row.columns.size(); ++x)
        of_row[0] = std::max(of_row[0], static_cast<double>(src[x]));
      for (int64_t x = 0; x < row.columns.size(); ++x)
        of_row[1] += std::exp(static_cast<double>(src[x]) - of_row[0]);
      Combine(of_row, state + 2 * c);
    }
  }
  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t c = 0; c < srcs[0].channels; ++c) Combine(other + 2 * c, state + 2 * c);
  }
  void Finish(const std::vector<Shape>&, const double* state, Tensor* dst) const override {
    for (size_t c = 0; c < dst->values.size(); ++c)
      dst->values[c] = state[2 * c] + std::log(state[2 * c + 1]);
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const T* src = row.srcs[0].At(row.y, c);
      const double d = result.diff_dst.values[static_cast<size_t>(c)],
                   y = result.dst.values[static_cast<size_t>(c)];
      for (int64_t x = 0; x < row.columns.size(); ++x)
        diff_src[x] += static_cast<T>(d * std::exp(static_cast<double>(src[x]) - y));
    }
  }

 private:
  static void Combine(const double* other, double* state) {
    const double most = std::max(other[0], state[0]);
    if (std::isinf(most)) return;
    state[1] = state[1] * std::exp(state[0] - most) + other[1] * std::exp(other[0] - most);
    state[0] = most;
  }

  GlobalReduceAttributes a_;
};

}  // namespace

std::shared_ptr<const Layer> MakeGlobalReduce(const GlobalReduceAttributes& attributes) {
  switch (attributes.kind) {
    case ReduceKind::kMean:
    case ReduceKind::kSum:
      return std::make_shared<GlobalSum>(attributes);
    case ReduceKind::kMax:
      return std::make_shared<GlobalMax>(attributes);
    case ReduceKind::kLogSumExp:
      return std::make_shared<GlobalLogSumExp>(attributes);
  }
  return nullptr;
}

}  // namespace swath
