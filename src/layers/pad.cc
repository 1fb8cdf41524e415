/// Pad of rows and columns (ONNX opset 2, 11, 13, 18, 19, 21): constant, reflect or edge. Negative pads crop.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "layers/core_axes.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class Pad final : public SimpleRowLayer<Pad> {
 public:
  explicit Pad(const PadAttributes& pad) : pad_(pad) {}

  std::string_view type() const override { return "Pad"; }
  Attributes attributes() const override {
    const char* const names[] = {"constant", "reflect", "edge"};
    return {{"mode", std::string(names[static_cast<int>(pad_.mode)])}};
  }
  std::vector<Setting> settings() const override {
    const auto d = [](int64_t n) { return static_cast<double>(n); };
    std::vector<Setting> settings = {{"pads",
                                      {0, 0, d(pad_.top), d(pad_.left), 0, 0, d(pad_.bottom), d(pad_.right)},
                                      Setting::Type::kIntegers}};
    if (pad_.mode == PadMode::kConstant) settings.push_back({"value", {pad_.value}, Setting::Type::kScalar});
    return settings;
  }
  Window rows(int64_t src) const override { return AxisWindow(pad_.top, pad_.bottom, src); }
  Window columns(int64_t src) const override { return AxisWindow(pad_.left, pad_.right, src); }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    const Shape& src = srcs[0];
    CheckAxis(pad_.top, pad_.bottom, src.height);
    CheckAxis(pad_.left, pad_.right, src.width);
    return {src.channels, src.height + pad_.top + pad_.bottom, src.width + pad_.left + pad_.right};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Tensor& src = *args.srcs[0];
    ForEach(dst->shape, [&](int64_t c, int64_t y, int64_t x) {
      const int64_t r = Source(y, pad_.top, src.shape.height), k = Source(x, pad_.left, src.shape.width);
      dst->Row(c, y)[x] = r < 0 || k < 0 ? pad_.value : src.Row(c, r)[k];
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    const Shape& src = args.srcs[0]->shape;
    ForEach(dst.shape, [&](int64_t c, int64_t y, int64_t x) {
      const int64_t r = Source(y, pad_.top, src.height), k = Source(x, pad_.left, src.width);
      if (r >= 0 && k >= 0) diff_src->Row(c, r)[k] += diff_dst.Row(c, y)[x];
    });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t r = Source(row.y, pad_.top, context.srcs[0].height);
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* src = r < 0 ? nullptr : row.srcs[0].At(r, c) - context.src_columns.begin;
      T* dst = row.dst[c] - context.dst_columns.begin;
      for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
        const int64_t k = src ? Source(x, pad_.left, context.srcs[0].width) : -1;
        dst[x] = k < 0 ? static_cast<T>(pad_.value) : src[k];
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const int64_t r = Source(row.y, pad_.top, context.srcs[0].height);
    for (int64_t c = 0; c < context.dst.channels && r >= 0; ++c) {
      T* diff_src = row.diff_srcs[0].At(r, c);
      if (!diff_src) continue;
      diff_src -= context.src_columns.begin;
      const T* diff_dst = row.diff_dst[c] - context.dst_columns.begin;
      for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
        if (const int64_t k = Source(x, pad_.left, context.srcs[0].width); k >= 0) diff_src[k] += diff_dst[x];
      }
    }
  }

 private:
  template <class F>
  static void ForEach(const Shape& shape, F&& f) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      for (int64_t y = 0; y < shape.height; ++y) {
        for (int64_t x = 0; x < shape.width; ++x) f(c, y, x);
      }
    }
  }

  Window AxisWindow(int64_t begin, int64_t end, int64_t src) const {
    if (pad_.mode == PadMode::kReflect && begin >= 0 && end >= 0)
      return {.kind = Window::Kind::kReflect, .pad_begin = begin, .pad_end = end, .clamp = src};
    return {.pad_begin = begin, .pad_end = end, .clamp = pad_.mode == PadMode::kConstant ? 0 : src};
  }

  void CheckAxis(int64_t begin, int64_t end, int64_t src) const {
    const int64_t most = std::max(begin, end);
    if (pad_.mode == PadMode::kReflect && (most >= src || std::min(begin, end) < 0)) {
      Fail(ErrorCode::kUnsupported, "reflects {} of {} pixels, expected 0 to {}",
           most >= src ? most : std::min(begin, end), src, src - 1);
    }
    if (-begin >= src || -end >= src)
      Fail(ErrorCode::kUnsupported, "crops {} and {} of {} pixels, which leaves none", -begin, -end, src);
  }

  /// The source index that an output index shows; -1 for the constant.
  int64_t Source(int64_t y, int64_t begin, int64_t size) const {
    const int64_t at = y - begin;
    if (at >= 0 && at < size) return at;
    if (pad_.mode == PadMode::kConstant) return -1;
    if (pad_.mode == PadMode::kEdge) return std::clamp<int64_t>(at, 0, size - 1);
    return at < 0 ? -at : 2 * (size - 1) - at;
  }

  PadAttributes pad_;
};

PadMode ParseMode(const std::string& mode) {
  if (mode == "constant") return PadMode::kConstant;
  if (mode == "reflect") return PadMode::kReflect;
  if (mode == "edge") return PadMode::kEdge;
  Fail(ErrorCode::kUnsupported, "mode is '{}', expected constant, reflect or edge", mode);
}

/// Pads by axis of [batch, channel, row, column], begins then ends; `axes` names those that are given.
std::array<int64_t, 8> SortPads(const std::vector<int64_t>& pads, const std::vector<int64_t>& axes) {
  if (pads.size() != 2 * axes.size()) {
    Fail(ErrorCode::kUnsupported, "{} pads for {} axes, expected two an axis", pads.size(), axes.size());
  }
  std::array<int64_t, 8> sorted{};
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = axes[i] < 0 ? axes[i] + 4 : axes[i];
    if (axis < 0 || axis > 3) Fail(ErrorCode::kUnsupported, "axis is {}, expected -4 to 3", axes[i]);
    sorted[static_cast<size_t>(axis)] = pads[i];
    sorted[static_cast<size_t>(axis) + 4] = pads[i + axes.size()];
  }
  return sorted;
}

}  // namespace

std::shared_ptr<const Layer> MakePad(const PadAttributes& pad) { return std::make_shared<Pad>(pad); }

std::shared_ptr<const Layer> PadFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  const PadMode mode = ParseMode(reader.String("mode", "constant"));
  std::vector<int64_t> pads = reader.Ints("pads", {});  // until opset 10
  double value = reader.Float("value", 0);
  reader.Finish();
  const auto integers = [&](size_t i) {
    std::vector<int64_t> values;
    for (const float v : inputs[i]->values) values.push_back(static_cast<int64_t>(v));
    return values;
  };
  const auto given = [&](size_t i) { return inputs.size() > i && inputs[i]; };
  if (given(1)) pads = integers(1);
  if (given(2)) value = inputs[2]->size() > 0 ? static_cast<double>(inputs[2]->values[0]) : 0;
  const auto p = SortPads(pads, given(3) ? integers(3) : std::vector<int64_t>{0, 1, 2, 3});
  if (p[0] != 0 || p[1] != 0 || p[4] != 0 || p[5] != 0) {
    Fail(ErrorCode::kUnsupported,
         "pads the batch by {}, {} or channels by {}, {}, expected rows and columns only", p[0], p[4], p[1],
         p[5]);
  }
  return MakePad({.mode = mode, .top = p[2], .bottom = p[6], .left = p[3], .right = p[7], .value = value});
}

}  // namespace swath
