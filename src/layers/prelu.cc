/// PRelu (ONNX opset 7, 9, 16): x for x > 0, slope · x otherwise; one trainable slope a channel, or one in
/// all.
#include "base/error.h"
#include "layers/binary.h"
#include "layers/operators.h"

namespace swath {
namespace {

class PRelu final : public SimpleRowLayer<PRelu> {
 public:
  std::string_view type() const override { return "PRelu"; }
  BackwardReads backward_reads() const override { return {.src = true}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectSources(srcs, 1);
    const Parameter& slope = *parameters.at(0);
    const Shape shape = ConstantShape(slope);
    const bool fits =
        shape.height == 1 && shape.width == 1 && (shape.channels == 1 || shape.channels == srcs[0].channels);
    if (!fits) {
      Fail(ErrorCode::kUnsupported, "slope '{}' has {}, expected one value, or [{}, 1, 1]", slope.name,
           ToString(shape), srcs[0].channels);
    }
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const int64_t plane = dst->shape.height * dst->shape.width;
    for (int64_t c = 0; c < dst->shape.channels; ++c) {
      const double slope = Slope(*args.parameters[0], c), *src = args.srcs[0]->Row(c, 0);
      for (int64_t i = 0; i < plane; ++i) dst->Row(c, 0)[i] = src[i] > 0 ? src[i] : slope * src[i];
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const int64_t plane = dst.shape.height * dst.shape.width;
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      const double slope = Slope(*args.parameters[0], c), *src = args.srcs[0]->Row(c, 0),
                   *diff = diff_dst.Row(c, 0);
      double sum = 0;
      for (int64_t i = 0; i < plane; ++i) {
        if (gradients.diff_srcs[0])
          gradients.diff_srcs[0]->Row(c, 0)[i] += src[i] > 0 ? diff[i] : slope * diff[i];
        if (!(src[i] > 0)) sum += src[i] * diff[i];
      }
      if (gradients.diff_parameters[0])
        (*gradients.diff_parameters[0])[static_cast<size_t>(Index(*args.parameters[0], c))] += sum;
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T slope = static_cast<T>(Slope(*p[0], c)), *src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < context.width(); ++x) row.dst[c][x] = src[x] > 0 ? src[x] : slope * src[x];
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    double* diff_slope = row.diff_parameters ? row.diff_parameters[0] : nullptr;
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T slope = static_cast<T>(Slope(*p[0], c)), *src = row.srcs[0].At(row.y, c),
              *diff = row.diff_dst[c];
      if (T* diff_src = row.diff_srcs[0].At(row.y, c)) {
        for (int64_t x = 0; x < context.width(); ++x) diff_src[x] += src[x] > 0 ? diff[x] : slope * diff[x];
      }
      if (!diff_slope) continue;
      double sum = 0;
      for (int64_t x = 0; x < context.width(); ++x) {
        if (!(src[x] > 0)) sum += static_cast<double>(src[x]) * static_cast<double>(diff[x]);
      }
      diff_slope[Index(*p[0], c)] += sum;
    }
  }

 private:
  static int64_t Index(const Parameter& slope, int64_t c) { return slope.size() == 1 ? 0 : c; }
  static double Slope(const Parameter& slope, int64_t c) {
    return slope.values[static_cast<size_t>(Index(slope, c))];
  }
};

}  // namespace

std::shared_ptr<const Layer> PReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader(attributes).Finish();
  if (inputs.size() != 2 || !inputs[1])
    Fail(ErrorCode::kUnsupported, "slope is computed, expected a constant");
  return std::make_shared<PRelu>();
}

}  // namespace swath
