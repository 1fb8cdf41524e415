/// LayerNormalization over the channels of every pixel, as ConvNeXt has it (Ba et al. 2016; ONNX opset 17 on
/// a tensor whose last axis is the channels): gamma · (x - mean) / √(variance + epsilon) + beta.
#include <cmath>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

/// The formula for the values of one pixel, or of one line in core.
class LineNormalizer {
 public:
  explicit LineNormalizer(double epsilon) : epsilon_(epsilon) {}

  double epsilon() const { return epsilon_; }

  template <class Src, class Dst>
  void Forward(const ParameterList& p, int64_t channels, const Src& src, const Dst& dst) const {
    const Moments m = Measure(channels, src);
    for (int64_t c = 0; c < channels; ++c) {
      const double bias = p.size() > 1 ? static_cast<double>(p[1]->values[static_cast<size_t>(c)]) : 0;
      dst(c, Scale(p, c) * (src(c) - m.mean) * m.reciprocal + bias);
    }
  }

  template <class Src, class Diff, class Add>
  void Backward(const ParameterList& p, int64_t channels, const Src& src, const Diff& diff_dst,
                const Add& add, double* const* diff_parameters) const {
    const Moments m = Measure(channels, src);
    double sum = 0, product = 0;
    for (int64_t c = 0; c < channels; ++c) {
      const double normal = (src(c) - m.mean) * m.reciprocal, d = diff_dst(c) * Scale(p, c);
      sum += d;
      product += d * normal;
      if (!p.empty() && diff_parameters[0]) diff_parameters[0][c] += diff_dst(c) * normal;
      if (p.size() > 1 && diff_parameters[1]) diff_parameters[1][c] += diff_dst(c);
    }
    const double n = static_cast<double>(channels);
    for (int64_t c = 0; c < channels; ++c) {
      const double normal = (src(c) - m.mean) * m.reciprocal;
      add(c, m.reciprocal * (diff_dst(c) * Scale(p, c) - sum / n - normal * product / n));
    }
  }

 private:
  struct Moments {
    double mean;
    double reciprocal;  ///< of the standard deviation
  };

  template <class Src>
  Moments Measure(int64_t channels, const Src& src) const {
    double sum = 0, squares = 0;
    for (int64_t c = 0; c < channels; ++c) sum += src(c);
    const double mean = sum / static_cast<double>(channels);
    for (int64_t c = 0; c < channels; ++c) squares += (src(c) - mean) * (src(c) - mean);
    return {mean, 1 / std::sqrt(squares / static_cast<double>(channels) + epsilon_)};
  }

  static double Scale(const ParameterList& p, int64_t c) {
    return p.empty() ? 1 : static_cast<double>(p[0]->values[static_cast<size_t>(c)]);
  }

  double epsilon_;
};

class LayerNormalization final : public SimpleRowLayer<LayerNormalization> {
 public:
  explicit LayerNormalization(double epsilon) : line_(epsilon) {}

  std::string_view type() const override { return "LayerNormalization"; }
  Attributes attributes() const override { return {{"axis", int64_t{-1}}, {"epsilon", line_.epsilon()}}; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectSources(srcs, 1);
    for (const Parameter* parameter : parameters) ExpectDims(*parameter, {srcs[0].channels}, "scale or bias");
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const int64_t plane = dst->shape.height * dst->shape.width;
    for (int64_t i = 0; i < plane; ++i) {
      line_.Forward(
          args.parameters, dst->shape.channels, [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; },
          [&](int64_t c, double y) { dst->Row(c, 0)[i] = y; });
    }
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const int64_t plane = dst.shape.height * dst.shape.width;
    std::vector<double*> diff_parameters;
    for (std::vector<double>* diff : gradients.diff_parameters)
      diff_parameters.push_back(diff ? diff->data() : nullptr);
    for (int64_t i = 0; i < plane; ++i) {
      line_.Backward(
          args.parameters, dst.shape.channels, [&](int64_t c) { return args.srcs[0]->Row(c, 0)[i]; },
          [&](int64_t c) { return diff_dst.Row(c, 0)[i]; },
          [&](int64_t c, double d) {
            if (gradients.diff_srcs[0]) gradients.diff_srcs[0]->Row(c, 0)[i] += d;
          },
          diff_parameters.data());
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t x = 0; x < context.width(); ++x) {
      line_.Forward(
          p, context.dst.channels,
          [&](int64_t c) { return static_cast<double>(row.srcs[0].At(row.y, c)[x]); },
          [&](int64_t c, double y) { row.dst[c][x] = static_cast<T>(y); });
    }
  }
  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    double* const none[2] = {nullptr, nullptr};
    for (int64_t x = 0; x < context.width(); ++x) {
      line_.Backward(
          p, context.dst.channels,
          [&](int64_t c) { return static_cast<double>(row.srcs[0].At(row.y, c)[x]); },
          [&](int64_t c) { return static_cast<double>(row.diff_dst[c][x]); },
          [&](int64_t c, double d) {
            if (T* diff_src = row.diff_srcs[0].At(row.y, c)) diff_src[x] += static_cast<T>(d);
          },
          row.diff_parameters ? row.diff_parameters : none);
    }
  }

 private:
  LineNormalizer line_;
};

/// The same of a tensor in core, along its last axis, as ONNX has it.
class CoreLayerNormalization final : public Layer {
 public:
  explicit CoreLayerNormalization(double epsilon) : line_(epsilon) {}

  std::string_view type() const override { return "LayerNormalization"; }
  LayerKind kind() const override { return LayerKind::kCore; }
  Attributes attributes() const override { return {{"axis", int64_t{-1}}, {"epsilon", line_.epsilon()}}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectSources(srcs, 1);
    for (const Parameter* parameter : parameters) ExpectDims(*parameter, {srcs[0].width}, "scale or bias");
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const int64_t n = dst->shape.width;
    for (int64_t first = 0; first < dst->shape.size(); first += n) {
      const double* src = args.srcs[0]->values.data() + first;
      double* line = dst->values.data() + first;
      line_.Forward(
          args.parameters, n, [&](int64_t i) { return src[i]; }, [&](int64_t i, double y) { line[i] = y; });
    }
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const int64_t n = dst.shape.width;
    std::vector<double*> diff_parameters;
    for (std::vector<double>* diff : gradients.diff_parameters)
      diff_parameters.push_back(diff ? diff->data() : nullptr);
    for (int64_t first = 0; first < dst.shape.size(); first += n) {
      const double *src = args.srcs[0]->values.data() + first, *diff = diff_dst.values.data() + first;
      double* diff_src = gradients.diff_srcs[0] ? gradients.diff_srcs[0]->values.data() + first : nullptr;
      line_.Backward(
          args.parameters, n, [&](int64_t i) { return src[i]; }, [&](int64_t i) { return diff[i]; },
          [&](int64_t i, double d) {
            if (diff_src) diff_src[i] += d;
          },
          diff_parameters.data());
    }
  }

 private:
  LineNormalizer line_;
};

void CheckEpsilon(double epsilon) {
  if (!(epsilon >= 0)) Fail(ErrorCode::kUnsupported, "epsilon is {}, expected at least 0", epsilon);
}

}  // namespace

std::shared_ptr<const Layer> MakeLayerNormalization(double epsilon) {
  CheckEpsilon(epsilon);
  return std::make_shared<LayerNormalization>(epsilon);
}

std::shared_ptr<const Layer> MakeCoreLayerNormalization(double epsilon) {
  CheckEpsilon(epsilon);
  return std::make_shared<CoreLayerNormalization>(epsilon);
}

}  // namespace swath
