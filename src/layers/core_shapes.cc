/// Tensors in core, rearranged: Reshape (and Flatten, Squeeze, Unsqueeze, which the importer turns into it),
/// Transpose, and Concat along rows or columns. See core_axes.h for dimensions.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "layers/core_axes.h"
#include "layers/operators.h"

namespace swath {
namespace {

class Reshape final : public Layer {
 public:
  Reshape(int src_rank, std::vector<int64_t> dims) : src_rank_(src_rank), dims_(std::move(dims)) {}

  std::string_view type() const override { return "Reshape"; }
  LayerKind kind() const override { return LayerKind::kCore; }
  int DstRank(const std::vector<int>&) const override { return static_cast<int>(dims_.size()); }
  std::vector<Setting> settings() const override {
    std::vector<double> dims(dims_.begin(), dims_.end());
    // The batch is copied, so that the file takes any.
    if (src_rank_ > 0 && !dims.empty() && dims[0] == 1) dims[0] = 0;
    return {{"shape", dims, Setting::Type::kIntegers}};
  }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    const std::array<int64_t, 4> src = {1, srcs[0].channels, srcs[0].height, srcs[0].width};
    std::vector<int64_t> dims = dims_;
    int64_t known = 1, open = -1;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == 0) {
        if (i >= static_cast<size_t>(src_rank_))
          Fail(ErrorCode::kUnsupported, "copies dimension {}, of {}", i, src_rank_);
        dims[i] = src[static_cast<size_t>(4 - src_rank_) + i];
      }
      if (dims[i] < 0) {
        open = static_cast<int64_t>(i);
      } else {
        known *= dims[i];
      }
    }
    if (open >= 0 && known > 0) dims[static_cast<size_t>(open)] = srcs[0].size() / known;
    const int64_t size = std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>());
    while (dims.size() < 4) dims.insert(dims.begin(), 1);
    if (size != srcs[0].size() || dims.size() > 4 || dims[0] != 1) {
      Fail(ErrorCode::kUnsupported, "cannot make [{}] of {} values, in a batch of 1", fmt::join(dims_, ", "),
           srcs[0].size());
    }
    return {dims[1], dims[2], dims[3]};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    dst->values = args.srcs[0]->values;
  }
  void ReferenceBackward(const ReferenceArgs&, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    if (!gradients.diff_srcs[0]) return;
    for (size_t i = 0; i < diff_dst.values.size(); ++i)
      gradients.diff_srcs[0]->values[i] += diff_dst.values[i];
  }

 private:
  int src_rank_;
  std::vector<int64_t> dims_;
};

class Transpose final : public Layer {
 public:
  explicit Transpose(std::vector<int64_t> perm) : perm_(std::move(perm)) {}

  std::string_view type() const override { return "Transpose"; }
  LayerKind kind() const override { return LayerKind::kCore; }
  Attributes attributes() const override { return {{"perm", perm_}}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    const auto axes = Axes();
    return {DimAt(srcs[0], axes[0]), DimAt(srcs[0], axes[1]), DimAt(srcs[0], axes[2])};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    ForEach(dst->shape, args.srcs[0]->shape,
            [&](size_t to, size_t from) { dst->values[to] = args.srcs[0]->values[from]; });
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    if (!gradients.diff_srcs[0]) return;
    ForEach(dst.shape, args.srcs[0]->shape,
            [&](size_t to, size_t from) { gradients.diff_srcs[0]->values[from] += diff_dst.values[to]; });
  }

 private:
  /// By axis of dst (channel, row, column), the axis of src, counted from the right.
  std::array<int, 3> Axes() const {
    const int rank = static_cast<int>(perm_.size());
    std::array<int, 3> axes = {kChannelAxis, kRowAxis, kColumnAxis};
    for (int i = std::max(0, rank - 3); i < rank; ++i)
      axes[static_cast<size_t>(3 - rank + i)] = CheckedAxis(perm_[static_cast<size_t>(i)] - rank);
    return axes;
  }

  template <class F>
  void ForEach(const Shape& dst, const Shape& src, F&& f) const {
    const std::array<int64_t, 3> steps = {src.height * src.width, src.width, 1};
    const auto axes = Axes();
    const auto step = [&](size_t i) { return steps[static_cast<size_t>(3 + axes[i])]; };
    size_t to = 0;
    for (int64_t c = 0; c < dst.channels; ++c) {
      for (int64_t y = 0; y < dst.height; ++y) {
        for (int64_t x = 0; x < dst.width; ++x)
          f(to++, static_cast<size_t>(c * step(0) + y * step(1) + x * step(2)));
      }
    }
  }

  std::vector<int64_t> perm_;
};

class CoreConcat final : public Layer {
 public:
  explicit CoreConcat(int axis) : axis_(axis) {}

  std::string_view type() const override { return "Concat"; }
  LayerKind kind() const override { return LayerKind::kCore; }
  Attributes attributes() const override { return {{"axis", int64_t{axis_}}}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    std::array<int64_t, 3> dims = Dims(srcs.at(0));
    const size_t along = static_cast<size_t>(3 + axis_);
    for (size_t i = 1; i < srcs.size(); ++i) {
      std::array<int64_t, 3> other = Dims(srcs[i]);
      const int64_t more = std::exchange(other[along], dims[along]);
      if (other != dims)
        Fail(ErrorCode::kUnsupported, "cannot join {} and {}", ToString(srcs[0]), ToString(srcs[i]));
      dims[along] += more;
    }
    return FromDims(dims);
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    ForEach(args, dst->shape, [&](size_t src, int64_t from, int64_t to) {
      dst->values[static_cast<size_t>(to)] = args.srcs[src]->values[static_cast<size_t>(from)];
    });
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    ForEach(args, dst.shape, [&](size_t src, int64_t from, int64_t to) {
      if (Tensor* diff_src = gradients.diff_srcs[src])
        diff_src->values[static_cast<size_t>(from)] += diff_dst.values[static_cast<size_t>(to)];
    });
  }

 private:
  template <class F>
  void ForEach(const ReferenceArgs& args, const Shape& dst, F&& f) const {
    int64_t step = 1, before = 0;
    for (int a = axis_ + 1; a < 0; ++a) step *= DimAt(dst, a);
    for (size_t src = 0; src < args.srcs.size(); ++src) {
      const int64_t n = DimAt(args.srcs[src]->shape, axis_);
      ForEachLine(args.srcs[src]->shape, axis_, [&](int64_t first, int64_t, int64_t) {
        const int64_t line = first / (step * n) * step * DimAt(dst, axis_) + first % step;
        for (int64_t i = 0; i < n; ++i) f(src, first + i * step, line + (before + i) * step);
      });
      before += n;
    }
  }

  int axis_;
};

}  // namespace

std::shared_ptr<const Layer> MakeReshape(int src_rank, std::vector<int64_t> dims) {
  return std::make_shared<Reshape>(src_rank, std::move(dims));
}
std::shared_ptr<const Layer> MakeTranspose(std::vector<int64_t> perm) {
  return std::make_shared<Transpose>(std::move(perm));
}
std::shared_ptr<const Layer> MakeCoreConcat(int64_t axis) {
  return std::make_shared<CoreConcat>(CheckedAxis(axis));
}

}  // namespace swath
