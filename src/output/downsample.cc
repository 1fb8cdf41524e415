#include "output/downsample.h"

namespace swath {
namespace {

uint8_t Mean(uint8_t a, uint8_t b) { return static_cast<uint8_t>((a + b + 1) >> 1); }
uint8_t Mean(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
  return static_cast<uint8_t>((a + b + c + d + 2) >> 2);
}
float Mean(float a, float b) { return (a + b) / 2; }
float Mean(float a, float b, float c, float d) { return (a + b + c + d) / 4; }

template <class T, int kChannels>
void AverageRow(const uint8_t* top_bytes, const uint8_t* bottom_bytes, int64_t columns, uint8_t* dst_bytes) {
  const auto* top = reinterpret_cast<const T*>(top_bytes);
  const auto* bottom = reinterpret_cast<const T*>(bottom_bytes);
  auto* dst = reinterpret_cast<T*>(dst_bytes);
  const int64_t pairs = columns / 2;
  for (int64_t x = 0; x < pairs; ++x) {
    for (int c = 0; c < kChannels; ++c) {
      const int64_t left = 2 * x * kChannels + c;
      const int64_t right = left + kChannels;
      dst[x * kChannels + c] = Mean(top[left], top[right], bottom[left], bottom[right]);
    }
  }
  if (columns % 2 == 0) return;
  for (int c = 0; c < kChannels; ++c) {
    const int64_t last = 2 * pairs * kChannels + c;
    dst[pairs * kChannels + c] = Mean(top[last], bottom[last]);
  }
}

/// Of labels, which are bytes. The odd last one stands for its missing neighbour.
void NearestRow(const uint8_t* src, int64_t columns, int64_t offset, uint8_t* dst) {
  const int64_t pairs = columns / 2;
  for (int64_t x = 0; x < pairs; ++x) dst[x] = src[2 * x + offset];
  if (columns % 2 != 0) dst[pairs] = src[columns - 1];
}

}  // namespace

void HalveRow(const HalvingRows& rows, Halving halving, int64_t dst_row) {
  const uint8_t* top = rows.src + 2 * dst_row * rows.src_pitch;
  const uint8_t* bottom = 2 * dst_row + 1 < rows.src_rows ? top + rows.src_pitch : top;
  uint8_t* dst = rows.dst + dst_row * rows.dst_pitch;
  switch (halving) {
    case Halving::kNearestTopLeft:
      return NearestRow(top, rows.src_columns, 0, dst);
    case Halving::kNearestBottomRight:
      return NearestRow(bottom, rows.src_columns, 1, dst);
    case Halving::kAreaAverage:
      if (rows.sample == Sample::kFloat32) return AverageRow<float, 1>(top, bottom, rows.src_columns, dst);
      return rows.channels == 3 ? AverageRow<uint8_t, 3>(top, bottom, rows.src_columns, dst)
                                : AverageRow<uint8_t, 1>(top, bottom, rows.src_columns, dst);
  }
}

}  // namespace swath
