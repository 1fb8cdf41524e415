/// Halving of rows for the next level of a pyramid.
#pragma once

#include <cstdint>

namespace swath {

/// What a channel of a pixel is.
enum class Sample { kUint8, kFloat32 };

constexpr int64_t SampleBytes(Sample sample) { return sample == Sample::kFloat32 ? 4 : 1; }

enum class Halving {
  kAreaAverage,        ///< the mean of 2 x 2 pixels, of uint8 rounded
  kNearestTopLeft,     ///< of 2 x 2 labels, the top left one; uint8, 1 channel
  kNearestBottomRight  ///< of 2 x 2 labels, the bottom right one; the same
};

/// Rows `pitch` bytes apart, [row, column, channel], each aligned to its samples. An odd last row or column
/// stands for its missing neighbour.
struct HalvingRows {
  const uint8_t* src = nullptr;
  int64_t src_rows = 0;
  int64_t src_columns = 0;
  int64_t src_pitch = 0;
  uint8_t* dst = nullptr;  ///< ceil(src_rows / 2) rows of ceil(src_columns / 2) pixels
  int64_t dst_pitch = 0;
  int64_t channels = 1;
  Sample sample = Sample::kUint8;  ///< float32: 1 channel
};

/// Makes dst row `dst_row`.
void HalveRow(const HalvingRows& rows, Halving halving, int64_t dst_row);

}  // namespace swath
