#include "output/shrink.h"

#include <algorithm>

namespace swath {

std::vector<uint8_t> Shrink(RowSource& slide, int64_t wide, int64_t high) {
  std::vector<uint8_t> picture(static_cast<size_t>(wide * high * 3), 255);
  // Of one row of the picture.
  std::vector<uint64_t> sums(static_cast<size_t>(wide * 3), 0);
  std::vector<uint32_t> counts(static_cast<size_t>(wide), 0);
  std::vector<uint8_t> row(static_cast<size_t>(slide.width() * 3));
  for (int64_t y = 0; y < slide.height(); ++y) {
    slide.Read({y, y + 1}, row.data());
    for (int64_t x = 0; x < slide.width(); ++x) {
      const size_t cell = static_cast<size_t>(x * wide / slide.width());
      for (size_t c = 0; c < 3; ++c) sums[cell * 3 + c] += row[static_cast<size_t>(x) * 3 + c];
      ++counts[cell];
    }
    const int64_t cell_row = y * high / slide.height();
    if (y + 1 < slide.height() && (y + 1) * high / slide.height() == cell_row) continue;
    uint8_t* dst = picture.data() + cell_row * wide * 3;
    for (size_t i = 0; i < sums.size(); ++i) {
      if (counts[i / 3] > 0) dst[i] = static_cast<uint8_t>(sums[i] / counts[i / 3]);
    }
    std::fill(sums.begin(), sums.end(), 0);
    std::fill(counts.begin(), counts.end(), 0);
  }
  return picture;
}

PictureSize FitPicture(int64_t width, int64_t height, int64_t side) {
  const double scale =
      std::min(1.0, static_cast<double>(side) / static_cast<double>(std::max(width, height)));
  return {std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(width) * scale)),
          std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(height) * scale))};
}

}  // namespace swath
