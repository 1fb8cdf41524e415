/// kernel_shape, strides, dilations, pads, auto_pad and output_padding, between ONNX and Window.
#pragma once

#include "layers/attributes.h"
#include "layers/layers.h"

namespace swath {

struct WindowPair {
  Window rows;
  Window columns;
};

/// Reads the attributes that convolutions and poolings share. `kernel` is the shape that the weights imply,
/// or empty where only the attribute says it. auto_pad other than NOTSET and VALID is taken where it does not
/// depend on the size of the image (stride 1), and refused elsewhere. Values are checked: kernel, stride and
/// dilation at least 1, pads at least 0, all at most 2^20.
WindowPair ReadWindows(AttributeReader* reader, Window::Kind kind, const std::vector<int64_t>& kernel);

/// Writes them back.
Attributes WriteWindows(const Window& rows, const Window& columns);

}  // namespace swath
