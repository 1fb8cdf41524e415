/// Resize and Upsample (ONNX opset 7, 9, 10, 11, 13, 18, 19), nearest and linear, by rational factors, in the
/// coordinates that exporters write. Positions are exact: integers over one denominator.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

struct Tap {
  int64_t src = 0;
  double weight = 0;
};

/// One axis. dst index y lies at (step · y + offset) / divisor among the source's indices.
class ResizeAxis {
 public:
  ResizeAxis(const ResizeAttributes& resize, Factor factor, int64_t src)
      : resize_(resize), src_(src), dst_(src * factor.up / factor.down) {
    step_ = 2 * factor.down;
    divisor_ = 2 * factor.up;
    switch (resize.coordinates) {
      case ResizeCoordinates::kAsymmetric:
        break;
      case ResizeCoordinates::kHalfPixel:
        offset_ = factor.down - factor.up;
        break;
      case ResizeCoordinates::kPytorchHalfPixel:
        offset_ = factor.down - factor.up;
        if (dst_ == 1) step_ = offset_ = 0;
        break;
      case ResizeCoordinates::kHalfPixelSymmetric:
        offset_ = src * factor.up - dst_ * factor.down + factor.down - factor.up;
        break;
      case ResizeCoordinates::kAlignCorners:
        // Between the corners of a result whose size is not rounded, as ONNX has it.
        step_ = dst_ > 1 ? 2 * (src - 1) * factor.down : 0;
        divisor_ = dst_ > 1 ? 2 * (src * factor.up - factor.down) : 2;
        break;
    }
  }

  int64_t dst() const { return dst_; }

  Window window() const {
    return {.kernel = linear() ? int64_t{2} : int64_t{1},
            .stride = step_,
            .pad_begin = -(offset_ + rounding()),
            .divisor = divisor_,
            .clamp = src_};
  }

  /// The source indices that y reads, with their weights; the second has none where one is enough.
  std::pair<Tap, Tap> Taps(int64_t y) const {
    const int64_t at = step_ * y + offset_ + rounding(), first = FloorDiv(at, divisor_);
    const auto inside = [&](int64_t i) { return std::clamp<int64_t>(i, 0, src_ - 1); };
    if (!linear()) return {{inside(first), 1.0}, {inside(first), 0.0}};
    const double part = static_cast<double>(at - first * divisor_) / static_cast<double>(divisor_);
    return {{inside(first), 1 - part}, {inside(first + 1), part}};
  }

 private:
  bool linear() const { return resize_.mode == ResizeMode::kLinear; }

  /// What makes ⌊·⌋ the rounding that `nearest` names.
  int64_t rounding() const {
    if (linear()) return 0;
    switch (resize_.nearest) {
      case NearestRounding::kFloor:
        return 0;
      case NearestRounding::kCeil:
        return divisor_ - 1;
      case NearestRounding::kRoundPreferFloor:
        return divisor_ / 2 - 1;
      case NearestRounding::kRoundPreferCeil:
        return divisor_ / 2;
    }
    return 0;
  }

  ResizeAttributes resize_;
  int64_t src_, dst_;
  int64_t step_ = 0, offset_ = 0, divisor_ = 1;
};

template <class T>
class ResizeKernel final : public RowKernel<T> {
 public:
  ResizeKernel(const ResizeAxis& rows, const ResizeAxis& columns, const KernelContext& context)
      : rows_(rows), channels_(context.dst.channels) {
    for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
      auto [a, b] = columns.Taps(x);
      a.src -= context.src_columns.begin;
      b.src -= context.src_columns.begin;
      taps_.push_back({a, b});
    }
  }

  std::string_view name() const override { return "reference"; }
  int64_t parameter_bytes() const override { return static_cast<int64_t>(taps_.size() * sizeof(taps_[0])); }

  void Forward(const ForwardRow<T>& row, Workspace*) const override {
    const auto [upper, lower] = rows_.Taps(row.y);
    for (int64_t c = 0; c < channels_; ++c) {
      const T *above = row.srcs[0].At(upper.src, c), *below = row.srcs[0].At(lower.src, c);
      for (size_t x = 0; x < taps_.size(); ++x) {
        const Tap &a = taps_[x].first, &b = taps_[x].second;
        const auto at = [&](const T* src) {
          return a.weight * static_cast<double>(src[a.src]) + b.weight * static_cast<double>(src[b.src]);
        };
        row.dst[c][x] = static_cast<T>(upper.weight * at(above) + lower.weight * at(below));
      }
    }
  }

  void Backward(const BackwardRow<T>& row, Workspace*) const override {
    const auto [upper, lower] = rows_.Taps(row.y);
    for (const Tap& tap : {upper, lower}) {
      if (tap.weight == 0) continue;
      for (int64_t c = 0; c < channels_; ++c) {
        T* diff_src = row.diff_srcs[0].At(tap.src, c);
        if (!diff_src) continue;
        for (size_t x = 0; x < taps_.size(); ++x) {
          const auto& [a, b] = taps_[x];
          const double d = tap.weight * static_cast<double>(row.diff_dst[c][x]);
          diff_src[a.src] += static_cast<T>(a.weight * d);
          if (b.weight != 0) diff_src[b.src] += static_cast<T>(b.weight * d);
        }
      }
    }
  }

 private:
  ResizeAxis rows_;
  int64_t channels_;
  std::vector<std::pair<Tap, Tap>> taps_;  // by column of dst
};

constexpr const char* kModes[] = {"nearest", "linear"};
constexpr const char* kCoordinates[] = {"asymmetric", "half_pixel", "pytorch_half_pixel",
                                        "half_pixel_symmetric", "align_corners"};
constexpr const char* kRoundings[] = {"floor", "ceil", "round_prefer_floor", "round_prefer_ceil"};

class Resize final : public RowLayer {
 public:
  explicit Resize(const ResizeAttributes& resize) : resize_(resize) {}

  std::string_view type() const override { return "Resize"; }
  Attributes attributes() const override {
    return {
        {"coordinate_transformation_mode", std::string(kCoordinates[static_cast<int>(resize_.coordinates)])},
        {"mode", std::string(kModes[static_cast<int>(resize_.mode)])},
        {"nearest_mode", std::string(kRoundings[static_cast<int>(resize_.nearest)])}};
  }
  std::vector<Setting> settings() const override {
    const auto factor = [](Factor f) { return static_cast<double>(f.up) / static_cast<double>(f.down); };
    return {{}, {"scales", {1, 1, factor(resize_.rows), factor(resize_.columns)}}};
  }
  Window rows(int64_t src) const override { return Rows(src).window(); }
  Window columns(int64_t src) const override { return Columns(src).window(); }
  Step step() const override {
    return {{resize_.rows.down, resize_.rows.up}, {resize_.columns.down, resize_.columns.up}};
  }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return {srcs[0].channels, Rows(srcs[0].height).dst(), Columns(srcs[0].width).dst()};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Tensor& src = *args.srcs[0];
    ForEachTap(src.shape, dst->shape, [&](int64_t c, int64_t y, int64_t x, Tap row, Tap column) {
      dst->Row(c, y)[x] += row.weight * column.weight * src.Row(c, row.src)[column.src];
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    ForEachTap(args.srcs[0]->shape, dst.shape, [&](int64_t c, int64_t y, int64_t x, Tap row, Tap column) {
      diff_src->Row(c, row.src)[column.src] += row.weight * column.weight * diff_dst.Row(c, y)[x];
    });
  }

  std::unique_ptr<RowKernel<float>> MakeKernelF32(const KernelContext& context) const override {
    return Make<float>(context);
  }
  std::unique_ptr<RowKernel<double>> MakeKernelF64(const KernelContext& context) const override {
    return Make<double>(context);
  }

 private:
  ResizeAxis Rows(int64_t src) const { return {resize_, resize_.rows, src}; }
  ResizeAxis Columns(int64_t src) const { return {resize_, resize_.columns, src}; }

  template <class T>
  std::unique_ptr<RowKernel<T>> Make(const KernelContext& context) const {
    return std::make_unique<ResizeKernel<T>>(Rows(context.srcs[0].height), Columns(context.srcs[0].width),
                                             context);
  }

  template <class F>
  void ForEachTap(const Shape& src, const Shape& dst, F&& f) const {
    const ResizeAxis rows = Rows(src.height), columns = Columns(src.width);
    for (int64_t c = 0; c < dst.channels; ++c) {
      for (int64_t y = 0; y < dst.height; ++y) {
        const auto [upper, lower] = rows.Taps(y);
        for (int64_t x = 0; x < dst.width; ++x) {
          const auto [left, right] = columns.Taps(x);
          for (const Tap& row : {upper, lower}) {
            for (const Tap& column : {left, right}) {
              if (row.weight != 0 && column.weight != 0) f(c, y, x, row, column);
            }
          }
        }
      }
    }
  }

  ResizeAttributes resize_;
};

/// The fraction of small terms that a float32 scale stands for.
Factor ToFactor(double scale) {
  constexpr int64_t kMost = 4096;
  for (int64_t down = 1; down <= kMost && scale > 0; ++down) {
    const int64_t up = std::llround(scale * static_cast<double>(down));
    if (up < 1 || up > kMost * kMost) continue;
    if (static_cast<float>(static_cast<double>(up) / static_cast<double>(down)) == static_cast<float>(scale))
      return {up, down};
  }
  Fail(ErrorCode::kUnsupported, "scale {} is no fraction with a denominator of at most {}", scale, kMost);
}

template <size_t N>
int IndexOf(const char* const (&names)[N], const std::string& name, const char* attribute) {
  for (size_t i = 0; i < N; ++i) {
    if (names[i] == name) return static_cast<int>(i);
  }
  Fail(ErrorCode::kUnsupported, "{} is '{}', expected {}", attribute, name, fmt::join(names, ", "));
}

}  // namespace

std::shared_ptr<const Layer> MakeResize(const ResizeAttributes& resize) {
  return std::make_shared<Resize>(resize);
}

std::shared_ptr<const Layer> MakeResizeNearest(int64_t row_factor, int64_t column_factor) {
  return MakeResize({.mode = ResizeMode::kNearest,
                     .coordinates = ResizeCoordinates::kAsymmetric,
                     .nearest = NearestRounding::kFloor,
                     .rows = {row_factor, 1},
                     .columns = {column_factor, 1}});
}

std::shared_ptr<const Layer> ResizeFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  ResizeAttributes resize;
  const std::string mode = reader.String("mode", "nearest");
  resize.mode = static_cast<ResizeMode>(IndexOf(kModes, mode, "mode"));
  resize.coordinates = static_cast<ResizeCoordinates>(
      IndexOf(kCoordinates, reader.String("coordinate_transformation_mode", "half_pixel"),
              "coordinate_transformation_mode"));
  resize.nearest = static_cast<NearestRounding>(
      IndexOf(kRoundings, reader.String("nearest_mode", "round_prefer_floor"), "nearest_mode"));
  // These speak of other modes; they change nothing here.
  reader.Float("cubic_coeff_a", -0.75);
  reader.Int("exclude_outside", 0);
  reader.Float("extrapolation_value", 0);
  reader.String("keep_aspect_ratio_policy", "stretch");
  if (reader.Int("antialias", 0) != 0)
    Fail(ErrorCode::kUnsupported, "antialias is 1, expected 0: it is not supported");
  reader.Finish();
  const Parameter* scales = inputs.size() > 2 ? inputs[2] : nullptr;
  if (!scales || scales->size() != 4 || scales->values[0] != 1 || scales->values[1] != 1) {
    Fail(ErrorCode::kUnsupported, "expected four constant scales [1, 1, rows, columns], found {}",
         scales ? fmt::format("[{}]", fmt::join(scales->values, ", ")) : "none");
  }
  resize.rows = ToFactor(scales->values[2]);
  resize.columns = ToFactor(scales->values[3]);
  return MakeResize(resize);
}

}  // namespace swath
