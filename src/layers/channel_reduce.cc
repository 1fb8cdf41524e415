/// ReduceMean and ReduceMax over the channels of every pixel, to one channel (ONNX opset 1, 11, 13, 18).
#include <algorithm>

#include "base/error.h"
#include "layers/core_axes.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class ChannelReduce final : public SimpleRowLayer<ChannelReduce> {
 public:
  explicit ChannelReduce(ReduceKind kind) : mean_(kind == ReduceKind::kMean) {}

  std::string_view type() const override { return mean_ ? "ReduceMean" : "ReduceMax"; }
  Attributes attributes() const override {
    return {{"axes", std::vector<int64_t>{1}}, {"keepdims", int64_t{1}}};
  }
  BackwardReads backward_reads() const override { return {.src = !mean_}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return {1, srcs[0].height, srcs[0].width};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Shape& shape = args.srcs[0]->shape;
    for (int64_t i = 0; i < shape.height * shape.width; ++i) {
      const auto at = [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; };
      dst->values[static_cast<size_t>(i)] = mean_ ? Mean(at, shape.channels) : at(First(at, shape.channels));
    }
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    const Shape& shape = diff_src->shape;
    for (int64_t i = 0; i < shape.height * shape.width; ++i) {
      const auto at = [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; };
      const double d = diff_dst.values[static_cast<size_t>(i)];
      if (!mean_) diff_src->Row(First(at, shape.channels), 0)[i] += d;
      for (int64_t c = 0; mean_ && c < shape.channels; ++c)
        diff_src->Row(c, 0)[i] += d / static_cast<double>(shape.channels);
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.srcs[0].channels;
    for (int64_t x = 0; x < context.width(); ++x) {
      const auto at = [&](int64_t c) { return static_cast<double>(row.srcs[0].At(row.y, c)[x]); };
      row.dst[0][x] = static_cast<T>(mean_ ? Mean(at, channels) : at(First(at, channels)));
    }
  }
  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.srcs[0].channels;
    const auto add = [&](int64_t c, int64_t x, T d) {
      if (T* diff_src = row.diff_srcs[0].At(row.y, c)) diff_src[x] += d;
    };
    for (int64_t x = 0; x < context.width(); ++x) {
      const T d = row.diff_dst[0][x];
      if (mean_) {
        for (int64_t c = 0; c < channels; ++c) add(c, x, d / static_cast<T>(channels));
      } else {
        add(First([&](int64_t c) { return row.srcs[0].At(row.y, c)[x]; }, channels), x, d);
      }
    }
  }

 private:
  template <class At>
  static double Mean(const At& at, int64_t channels) {
    double sum = 0;
    for (int64_t c = 0; c < channels; ++c) sum += at(c);
    return sum / static_cast<double>(channels);
  }
  /// The first channel with the largest value.
  template <class At>
  static int64_t First(const At& at, int64_t channels) {
    int64_t first = 0;
    for (int64_t c = 1; c < channels; ++c) {
      if (at(c) > at(first)) first = c;
    }
    return first;
  }

  bool mean_;
};

}  // namespace

std::shared_ptr<const Layer> MakeChannelReduce(ReduceKind kind) {
  if (kind != ReduceKind::kMean && kind != ReduceKind::kMax)
    Fail(ErrorCode::kUnsupported, "over channels, expected ReduceMean or ReduceMax");
  return std::make_shared<ChannelReduce>(kind);
}

}  // namespace swath
