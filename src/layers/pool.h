/// What max and average pooling share: attributes, shapes, and the walk over a window clipped to the image.
#pragma once

#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

/// Reads kernel_shape, strides, dilations, pads, ceil_mode, auto_pad.
PoolAttributes PoolFromOnnx(AttributeReader* reader);
Attributes PoolToOnnx(const PoolAttributes& pool);

/// One source in; throws where the image is smaller than the window.
Shape PoolShape(const PoolAttributes& pool, const std::vector<Shape>& srcs);

/// Calls f(tap_index, source_index) for the taps of output y that lie inside [0, size).
template <class F>
void ForTaps(const Window& window, int64_t y, int64_t size, F&& f) {
  const int64_t first = y * window.stride - window.pad_begin;
  for (int64_t i = 0; i < window.kernel; ++i) {
    const int64_t src = first + i * window.dilation;
    if (src >= 0 && src < size) f(i, src);
  }
}

}  // namespace swath
