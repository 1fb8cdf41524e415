#include "layers/window_attributes.h"

#include "base/error.h"

namespace swath {
namespace {

constexpr int64_t kLargest = int64_t{1} << 20;

void CheckEach(const char* name, const std::vector<int64_t>& values, int64_t least) {
  for (int64_t v : values) {
    if (v < least || v > kLargest) {
      Fail(ErrorCode::kUnsupported, "attribute '{}' has the value {}, expected {} to {}", name, v, least,
           kLargest);
    }
  }
}

/// SAME padding at stride 1: the output has the size of the source.
void PadToSame(Window* window, bool upper) {
  if (window->stride != 1) {
    Fail(ErrorCode::kUnsupported,
         "auto_pad with stride {} depends on the size of the image; export explicit pads", window->stride);
  }
  const int64_t total = window->extent() - 1;
  window->pad_begin = upper ? total / 2 : total - total / 2;
  window->pad_end = total - window->pad_begin;
}

}  // namespace

WindowPair ReadWindows(AttributeReader* reader, Window::Kind kind, const std::vector<int64_t>& kernel) {
  const auto shape = reader->Ints("kernel_shape", kernel, 2);
  const auto strides = reader->Ints("strides", {1, 1}, 2);
  const auto dilations = reader->Ints("dilations", {1, 1}, 2);
  const auto pads = reader->Ints("pads", {0, 0, 0, 0}, 4);
  const auto output_padding =
      kind == Window::Kind::kScatter ? reader->Ints("output_padding", {0, 0}, 2) : std::vector<int64_t>{0, 0};
  const std::string auto_pad = reader->String("auto_pad", "NOTSET");
  if (shape.size() != 2) Fail(ErrorCode::kUnsupported, "kernel_shape is missing, expected two values");
  if (!kernel.empty() && shape != kernel) {
    Fail(ErrorCode::kUnsupported, "kernel_shape is {} × {}, but the weights are {} × {}", shape[0], shape[1],
         kernel[0], kernel[1]);
  }
  CheckEach("kernel_shape", shape, 1);
  CheckEach("strides", strides, 1);
  CheckEach("dilations", dilations, 1);
  CheckEach("pads", pads, 0);
  CheckEach("output_padding", output_padding, 0);
  const auto axis = [&](size_t i) {
    return Window{.kind = kind,
                  .kernel = shape[i],
                  .stride = strides[i],
                  .dilation = dilations[i],
                  .pad_begin = pads[i],
                  .pad_end = pads[i + 2],
                  .output_padding = output_padding[i]};
  };
  WindowPair windows{axis(0), axis(1)};
  if (auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER") {
    PadToSame(&windows.rows, auto_pad == "SAME_UPPER");
    PadToSame(&windows.columns, auto_pad == "SAME_UPPER");
  } else if (auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty()) {
    Fail(ErrorCode::kUnsupported, "auto_pad is '{}', expected NOTSET, VALID, SAME_UPPER or SAME_LOWER",
         auto_pad);
  }
  return windows;
}

Attributes WriteWindows(const Window& rows, const Window& columns) {
  using Ints = std::vector<int64_t>;
  Attributes out = {{"kernel_shape", Ints{rows.kernel, columns.kernel}},
                    {"strides", Ints{rows.stride, columns.stride}},
                    {"dilations", Ints{rows.dilation, columns.dilation}},
                    {"pads", Ints{rows.pad_begin, columns.pad_begin, rows.pad_end, columns.pad_end}}};
  if (rows.kind == Window::Kind::kScatter) {
    out["output_padding"] = Ints{rows.output_padding, columns.output_padding};
  }
  return out;
}

}  // namespace swath
