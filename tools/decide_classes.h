/// From logits to classes.
#pragma once

#include <algorithm>
#include <cstdint>

namespace swath::tools {

/// The class of each pixel of a row: of one logit whether it is above 0, of several the first of the largest.
/// `largest` is room for `width` values. The loops are written for compilers to make vectors of.
inline void DecideClasses(const float* const* logits, int64_t count, int64_t width, float* largest,
                          uint8_t* classes) {
  if (count == 1) {
    for (int64_t x = 0; x < width; ++x) classes[x] = logits[0][x] > 0;
    return;
  }
  std::copy_n(logits[0], width, largest);
  std::fill_n(classes, width, uint8_t{0});
  for (int64_t c = 1; c < count; ++c) {
    for (int64_t x = 0; x < width; ++x) {
      classes[x] = logits[c][x] > largest[x] ? static_cast<uint8_t>(c) : classes[x];
      largest[x] = std::max(largest[x], logits[c][x]);
    }
  }
}

}  // namespace swath::tools
