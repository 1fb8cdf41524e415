/// Axes of tensors in core. A tensor of ONNX with up to four dimensions is [1, channels, rows, columns],
/// aligned at the right: [1, C] of a linear layer has C columns. Axes are counted from the right, so that
/// they do not depend on the rank: the importer turns ONNX's into these.
#pragma once

#include <array>
#include <cstdint>

#include "base/error.h"
#include "swath/graph.h"

namespace swath {

constexpr int kChannelAxis = -3;
constexpr int kRowAxis = -2;
constexpr int kColumnAxis = -1;

/// Throws Error (kUnsupported) for an axis that is none of these.
inline int CheckedAxis(int64_t axis) {
  if (axis < kChannelAxis || axis > kColumnAxis)
    Fail(ErrorCode::kUnsupported, "axis {} (counted from the last) is the batch, or none", axis);
  return static_cast<int>(axis);
}

inline std::array<int64_t, 3> Dims(const Shape& shape) { return {shape.channels, shape.height, shape.width}; }
inline Shape FromDims(const std::array<int64_t, 3>& dims) { return {dims[0], dims[1], dims[2]}; }
inline int64_t DimAt(const Shape& shape, int axis) { return Dims(shape)[static_cast<size_t>(3 + axis)]; }

/// Calls f(first, step, n) for every line along an axis: its values are first, first + step, ….
template <class F>
void ForEachLine(const Shape& shape, int axis, F&& f) {
  const std::array<int64_t, 3> dims = Dims(shape);
  int64_t step = 1;
  for (int a = axis + 1; a < 0; ++a) step *= DimAt(shape, a);
  const int64_t n = DimAt(shape, axis), lines = dims[0] * dims[1] * dims[2] / n;
  for (int64_t line = 0; line < lines; ++line) f(line / step * step * n + line % step, step, n);
}

}  // namespace swath
