#include "output/downsample.h"

#include <algorithm>

namespace swath {
namespace {

template <int kChannels>
void AverageRow(const uint8_t* top, const uint8_t* bottom, int64_t columns, uint8_t* dst) {
  const int64_t pairs = columns / 2;
  for (int64_t x = 0; x < pairs; ++x) {
    for (int c = 0; c < kChannels; ++c) {
      const int64_t left = 2 * x * kChannels + c;
      const int64_t right = left + kChannels;
      dst[x * kChannels + c] =
          static_cast<uint8_t>((top[left] + top[right] + bottom[left] + bottom[right] + 2) >> 2);
    }
  }
  if (columns % 2 == 0) return;
  for (int c = 0; c < kChannels; ++c) {
    const int64_t last = 2 * pairs * kChannels + c;
    dst[pairs * kChannels + c] = static_cast<uint8_t>((top[last] + bottom[last] + 1) >> 1);
  }
}

void NearestRow(const uint8_t* src, int64_t columns, int64_t channels, int64_t offset, uint8_t* dst) {
  for (int64_t x = 0; x < (columns + 1) / 2; ++x) {
    const uint8_t* pixel = src + std::min(2 * x + offset, columns - 1) * channels;
    std::copy_n(pixel, channels, dst + x * channels);
  }
}

}  // namespace

void HalveRow(const HalvingRows& rows, Halving halving, int64_t dst_row) {
  const uint8_t* top = rows.src + 2 * dst_row * rows.src_pitch;
  const uint8_t* bottom = 2 * dst_row + 1 < rows.src_rows ? top + rows.src_pitch : top;
  uint8_t* dst = rows.dst + dst_row * rows.dst_pitch;
  switch (halving) {
    case Halving::kNearestTopLeft:
      return NearestRow(top, rows.src_columns, rows.channels, 0, dst);
    case Halving::kNearestBottomRight:
      return NearestRow(bottom, rows.src_columns, rows.channels, 1, dst);
    case Halving::kAreaAverage:
      return rows.channels == 3 ? AverageRow<3>(top, bottom, rows.src_columns, dst)
                                : AverageRow<1>(top, bottom, rows.src_columns, dst);
  }
}

}  // namespace swath
