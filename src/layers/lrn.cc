/// LRN (ONNX opset 1, 13): x / (bias + alpha / size · Σ x²)^beta, the sum over `size` neighbouring channels
/// (Krizhevsky et al. 2012).
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class Lrn final : public SimpleRowLayer<Lrn> {
 public:
  struct Settings {
    int64_t size = 1;
    double alpha = 0, beta = 0, bias = 0;
  };
  explicit Lrn(const Settings& settings) : s_(settings) {}

  std::string_view type() const override { return "LRN"; }
  Attributes attributes() const override {
    return {{"size", s_.size}, {"alpha", s_.alpha}, {"beta", s_.beta}, {"bias", s_.bias}};
  }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const int64_t channels = dst->shape.channels, plane = dst->shape.height * dst->shape.width;
    for (int64_t i = 0; i < plane; ++i) {
      const auto x = [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; };
      for (int64_t c = 0; c < channels; ++c)
        dst->Row(c, 0)[i] = x(c) * std::pow(Base(x, c, channels), -s_.beta);
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    if (!gradients.diff_srcs[0]) return;
    const int64_t channels = dst.shape.channels, plane = dst.shape.height * dst.shape.width;
    for (int64_t i = 0; i < plane; ++i) {
      const auto x = [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; };
      const auto d = [&](int64_t c) { return diff_dst.Row(c, 0)[i]; };
      for (int64_t c = 0; c < channels; ++c)
        gradients.diff_srcs[0]->Row(c, 0)[i] += Gradient(x, d, c, channels);
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.dst.channels;
    for (int64_t i = 0; i < context.width(); ++i) {
      const auto x = [&](int64_t c) { return static_cast<double>(row.srcs[0].At(row.y, c)[i]); };
      for (int64_t c = 0; c < channels; ++c)
        row.dst[c][i] = static_cast<T>(x(c) * std::pow(Base(x, c, channels), -s_.beta));
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t channels = context.dst.channels;
    for (int64_t i = 0; i < context.width(); ++i) {
      const auto x = [&](int64_t c) { return static_cast<double>(row.srcs[0].At(row.y, c)[i]); };
      const auto d = [&](int64_t c) { return static_cast<double>(row.diff_dst[c][i]); };
      for (int64_t c = 0; c < channels; ++c) {
        if (T* diff_src = row.diff_srcs[0].At(row.y, c))
          diff_src[i] += static_cast<T>(Gradient(x, d, c, channels));
      }
    }
  }

 private:
  /// The channels in the sum of channel c.
  Range Neighbours(int64_t c, int64_t channels) const {
    return {std::max<int64_t>(0, c - (s_.size - 1) / 2), std::min(channels, c + s_.size / 2 + 1)};
  }

  template <class X>
  double Base(const X& x, int64_t c, int64_t channels) const {
    const Range range = Neighbours(c, channels);
    double sum = 0;
    for (int64_t n = range.begin; n < range.end; ++n) sum += x(n) * x(n);
    return s_.bias + s_.alpha / static_cast<double>(s_.size) * sum;
  }

  /// Of x(c), through its own output and those of its neighbours.
  template <class X, class D>
  double Gradient(const X& x, const D& d, int64_t c, int64_t channels) const {
    double through = 0;
    for (int64_t n = std::max<int64_t>(0, c - s_.size); n < std::min(channels, c + s_.size + 1); ++n) {
      if (Neighbours(n, channels).contains(c))
        through += d(n) * x(n) * std::pow(Base(x, n, channels), -s_.beta - 1);
    }
    return d(c) * std::pow(Base(x, c, channels), -s_.beta) -
           2 * s_.alpha * s_.beta / static_cast<double>(s_.size) * x(c) * through;
  }

  Settings s_;
};

}  // namespace

std::shared_ptr<const Layer> LrnFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const Lrn::Settings settings{.size = reader.Int("size", 0),
                               .alpha = reader.Float("alpha", static_cast<double>(1e-4f)),
                               .beta = reader.Float("beta", 0.75),
                               .bias = reader.Float("bias", 1)};
  reader.Finish();
  if (settings.size < 1) Fail(ErrorCode::kUnsupported, "size is {}, expected at least 1", settings.size);
  return std::make_shared<Lrn>(settings);
}

}  // namespace swath
