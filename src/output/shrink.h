/// A slide as a small picture.
#pragma once

#include <cstdint>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// The slide, RGB, averaged to wide × high px: [row, column, RGB].
std::vector<uint8_t> Shrink(RowSource& slide, int64_t wide, int64_t high);

/// The size of a picture of width × height whose longer side is at most `side`.
struct PictureSize {
  int64_t wide = 1;
  int64_t high = 1;
};
PictureSize FitPicture(int64_t width, int64_t height, int64_t side);

}  // namespace swath
