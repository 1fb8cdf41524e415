/// Softmax and LogSoftmax (ONNX opset 13; before it they took all axes from one on together, which is the
/// same for the last one). A map: over its channels, in every pixel. In core: over any axis.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "layers/core_axes.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

enum class Form { kPlain, kLog };

class Softmax final : public SimpleRowLayer<Softmax> {
 public:
  Softmax(Form form, int axis) : log_(form == Form::kLog), axis_(axis) {}

  std::string_view type() const override { return log_ ? "LogSoftmax" : "Softmax"; }
  Attributes attributes() const override { return {{"axis", int64_t{axis_}}}; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  void CheckStreamed(const ParameterList&) const override {
    if (axis_ != kChannelAxis)
      Fail(ErrorCode::kUnsupported, "axis is {} of a map, expected its channels (1)", axis_);
  }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const double* src = args.srcs[0]->values.data();
    ForEachLine(dst->shape, axis_, [&](int64_t first, int64_t step, int64_t n) {
      double most = src[first], sum = 0;
      for (int64_t i = 0; i < n; ++i) most = std::max(most, src[first + i * step]);
      for (int64_t i = 0; i < n; ++i) sum += std::exp(src[first + i * step] - most);
      for (int64_t i = 0; i < n; ++i) {
        const double z = src[first + i * step] - most;
        dst->values[static_cast<size_t>(first + i * step)] = log_ ? z - std::log(sum) : std::exp(z) / sum;
      }
    });
  }

  void ReferenceBackward(const ReferenceArgs&, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    if (!gradients.diff_srcs[0]) return;
    double* diff_src = gradients.diff_srcs[0]->values.data();
    const double *y = dst.values.data(), *d = diff_dst.values.data();
    ForEachLine(dst.shape, axis_, [&](int64_t first, int64_t step, int64_t n) {
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = first + i * step;
        sum += log_ ? d[at] : d[at] * y[at];
      }
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = first + i * step;
        diff_src[at] += log_ ? d[at] - std::exp(y[at]) * sum : y[at] * (d[at] - sum);
      }
    });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.dst.channels;
    for (int64_t x = 0; x < context.width(); ++x) {
      const auto [most, sum] = MostAndSum(row.srcs[0], row.y, channels, x);
      for (int64_t c = 0; c < channels; ++c) {
        const double z = static_cast<double>(row.srcs[0].At(row.y, c)[x]) - most;
        row.dst[c][x] = static_cast<T>(log_ ? z - std::log(sum) : std::exp(z) / sum);
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.dst.channels;
    for (int64_t x = 0; x < context.width(); ++x) {
      const auto [most, sum] = MostAndSum(row.srcs[0], row.y, channels, x);
      const auto probability = [&, m = most, s = sum](int64_t c) {
        return std::exp(static_cast<double>(row.srcs[0].At(row.y, c)[x]) - m) / s;
      };
      double total = 0;
      for (int64_t c = 0; c < channels; ++c) {
        const double d = static_cast<double>(row.diff_dst[c][x]);
        total += log_ ? d : d * probability(c);
      }
      for (int64_t c = 0; c < channels; ++c) {
        T* diff_src = row.diff_srcs[0].At(row.y, c);
        if (!diff_src) continue;
        const double d = static_cast<double>(row.diff_dst[c][x]), p = probability(c);
        diff_src[x] += static_cast<T>(log_ ? d - p * total : p * (d - total));
      }
    }
  }

 private:
  /// The largest logit of a pixel, and Σ exp(logit - largest).
  template <class T>
  static std::pair<double, double> MostAndSum(const RowWindow<const T>& src, int64_t y, int64_t channels,
                                              int64_t x) {
    double most = static_cast<double>(src.At(y, 0)[x]), sum = 0;
    for (int64_t c = 1; c < channels; ++c) most = std::max(most, static_cast<double>(src.At(y, c)[x]));
    for (int64_t c = 0; c < channels; ++c) sum += std::exp(static_cast<double>(src.At(y, c)[x]) - most);
    return {most, sum};
  }

  bool log_;
  int axis_;
};

std::shared_ptr<const Layer> FromOnnx(const Attributes& attributes, Form form) {
  AttributeReader reader(attributes);
  const int64_t axis = reader.Int("axis", -1);
  reader.Finish();
  return std::make_shared<Softmax>(form, CheckedAxis(axis));
}

}  // namespace

std::shared_ptr<const Layer> SoftmaxFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  return FromOnnx(attributes, Form::kPlain);
}

std::shared_ptr<const Layer> LogSoftmaxFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  return FromOnnx(attributes, Form::kLog);
}

}  // namespace swath
