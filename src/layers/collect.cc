/// A whole map, in core: what a head with a fixed number of inputs is given. Networks for images of one size
/// have it where they flatten; memory grows with the map, so it must be a small one. Not an ONNX operator:
/// the importer puts it there.
#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_reduction.h"

namespace swath {
namespace {

constexpr int64_t kMostValues = int64_t{1} << 22;

class Collect final : public SimpleReduction<Collect> {
 public:
  std::string_view type() const override { return "Identity"; }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    if (srcs[0].size() > kMostValues) {
      Fail(ErrorCode::kUnsupported,
           "what follows needs the whole map at once, and it has {} values ({}), expected at most {}; pool "
           "it to "
           "one value a channel",
           srcs[0].size(), ToString(srcs[0]), kMostValues);
    }
    return srcs[0];
  }

  int64_t StateSize(const std::vector<Shape>& srcs) const override { return srcs[0].size(); }

  template <class T>
  void AddOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row, double* state) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < row.columns.size(); ++x)
        state[(c * srcs[0].height + row.y) * srcs[0].width + row.columns.begin + x] =
            static_cast<double>(src[x]);
    }
  }
  /// Every pixel is in one state only, and 0 in the others.
  void Merge(const std::vector<Shape>& srcs, const double* other, double* state) const override {
    for (int64_t i = 0; i < srcs[0].size(); ++i) state[i] += other[i];
  }
  void Finish(const std::vector<Shape>&, const double* state, Tensor* dst) const override {
    std::copy_n(state, dst->values.size(), dst->values.begin());
  }

  template <class T>
  void BackwardOneRow(const std::vector<Shape>& srcs, const ReductionRow<T>& row,
                      const Result& result) const {
    for (int64_t c = 0; c < srcs[0].channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const double* d = result.diff_dst.Row(c, row.y) + row.columns.begin;
      for (int64_t x = 0; x < row.columns.size(); ++x) diff_src[x] += static_cast<T>(d[x]);
    }
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeCollect() { return std::make_shared<Collect>(); }

}  // namespace swath
