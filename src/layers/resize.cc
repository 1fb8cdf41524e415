/// Resize, nearest, by whole factors (ONNX opset 10, 11, 13, 18, 19): dst[y, x] = src[y / row_factor, x /
/// column_factor].
#include <cmath>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

Window Repeat(int64_t factor) { return {.kind = Window::Kind::kScatter, .kernel = factor, .stride = factor}; }

class ResizeNearest final : public SimpleRowLayer<ResizeNearest> {
 public:
  ResizeNearest(int64_t row_factor, int64_t column_factor)
      : row_factor_(row_factor), column_factor_(column_factor) {}

  std::string_view type() const override { return "Resize"; }
  Attributes attributes() const override {
    return {{"coordinate_transformation_mode", std::string("asymmetric")},
            {"mode", std::string("nearest")},
            {"nearest_mode", std::string("floor")},
            {"scales", std::vector<double>{1, 1, double(row_factor_), double(column_factor_)}}};
  }
  Window rows() const override { return Repeat(row_factor_); }
  Window columns() const override { return Repeat(column_factor_); }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return {srcs[0].channels, rows().DstSize(srcs[0].height), columns().DstSize(srcs[0].width)};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Shape& shape = dst->shape;
    for (int64_t c = 0; c < shape.channels; ++c) {
      for (int64_t y = 0; y < shape.height; ++y) {
        for (int64_t x = 0; x < shape.width; ++x) {
          dst->Row(c, y)[x] = args.srcs[0]->Row(c, y / row_factor_)[x / column_factor_];
        }
      }
    }
  }

  void ReferenceBackward(const ReferenceArgs&, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      for (int64_t y = 0; y < dst.shape.height; ++y) {
        for (int64_t x = 0; x < dst.shape.width; ++x) {
          diff_src->Row(c, y / row_factor_)[x / column_factor_] += diff_dst.Row(c, y)[x];
        }
      }
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* src = row.srcs[0].At(row.y / row_factor_, c);
      T* dst = row.dst[c];
      for (int64_t x = 0; x < context.srcs[0].width; ++x) {
        for (int64_t i = 0; i < column_factor_; ++i) *dst++ = src[x];
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y / row_factor_, c);
      if (!diff_src) continue;
      const T* diff_dst = row.diff_dst[c];
      for (int64_t x = 0; x < context.srcs[0].width; ++x) {
        T sum = 0;
        for (int64_t i = 0; i < column_factor_; ++i) sum += *diff_dst++;
        diff_src[x] += sum;
      }
    }
  }

 private:
  int64_t row_factor_;
  int64_t column_factor_;
};

/// The factors of ONNX's `scales`, which must be whole, 1 for batch and channels.
std::pair<int64_t, int64_t> WholeFactors(const std::vector<double>& scales) {
  const bool whole = scales.size() == 4 && scales[0] == 1 && scales[1] == 1 && scales[2] >= 1 &&
                     scales[3] >= 1 && scales[2] <= 4096 && scales[3] <= 4096 &&
                     scales[2] == std::floor(scales[2]) && scales[3] == std::floor(scales[3]);
  if (!whole) {
    Fail(ErrorCode::kUnsupported, "scales are [{}], expected [1, 1, n, m] with whole n and m",
         fmt::join(scales, ", "));
  }
  return {static_cast<int64_t>(scales[2]), static_cast<int64_t>(scales[3])};
}

}  // namespace

std::shared_ptr<const Layer> MakeResizeNearest(int64_t row_factor, int64_t column_factor) {
  return std::make_shared<ResizeNearest>(row_factor, column_factor);
}

std::shared_ptr<const Layer> ResizeFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  const std::string mode = reader.String("mode", "nearest");
  const std::string coordinates = reader.String("coordinate_transformation_mode", "half_pixel");
  const std::string nearest = reader.String("nearest_mode", "round_prefer_floor");
  // These speak of other modes; they change nothing here.
  reader.Float("cubic_coeff_a", -0.75);
  reader.Int("exclude_outside", 0);
  reader.Float("extrapolation_value", 0);
  reader.Int("antialias", 0);
  reader.String("keep_aspect_ratio_policy", "stretch");
  reader.Finish();
  if (mode != "nearest") Fail(ErrorCode::kUnsupported, "mode is '{}', expected 'nearest'", mode);
  // For whole factors dst[y] must be src[y / n]. Asymmetric coordinates say so with floor. Half-pixel centres
  // say so with either rounding: (y + 0.5) / n - 0.5 always lies strictly within half a pixel of floor(y /
  // n).
  const bool asymmetric = coordinates == "asymmetric" && nearest == "floor";
  const bool half_pixel = (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel") &&
                          (nearest == "round_prefer_floor" || nearest == "round_prefer_ceil");
  if (!asymmetric && !half_pixel) {
    Fail(ErrorCode::kUnsupported,
         "coordinate_transformation_mode '{}' with nearest_mode '{}' does not repeat whole pixels",
         coordinates, nearest);
  }
  const Parameter* scales = inputs.size() > 2 ? inputs[2] : inputs.size() > 1 ? inputs[1] : nullptr;
  if (!scales || (inputs.size() > 3 && inputs[3])) {
    Fail(ErrorCode::kUnsupported, "expected constant scales; sizes fix the image and are not supported");
  }
  const auto [row_factor, column_factor] = WholeFactors({scales->values.begin(), scales->values.end()});
  return MakeResizeNearest(row_factor, column_factor);
}

}  // namespace swath
