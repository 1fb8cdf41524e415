/// The first and last rows of every level of a slide.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "swath/error.h"
#include "swath/slide.h"

namespace swath {

inline void ReadEnds(RowSource* rows) {
  // A few bytes may claim an image of any size; to allocate and decode all of it would test the machine.
  constexpr int64_t kMostBytes = int64_t{64} << 20;
  if (rows == nullptr) return;
  const int64_t row_bytes = rows->width() * rows->channels();
  if (rows->buffer_bytes() > kMostBytes || row_bytes > kMostBytes / 4) return;
  std::vector<uint8_t> pixels(static_cast<size_t>(2 * row_bytes));
  rows->Read({0, std::min<int64_t>(2, rows->height())}, pixels.data());
  rows->Read({rows->height() - 1, rows->height()}, pixels.data());
}

inline void ReadSlideEnds(const std::string& path) {
  try {
    const auto slide = Slide::Open(path);
    for (int level = 0; level < static_cast<int>(slide->info().levels.size()); ++level) {
      ReadEnds(slide->OpenRows({.level = level}).get());
      ReadEnds(slide->OpenExistence({.level = level}).get());
    }
  } catch (const Error&) {
  }
}

}  // namespace swath
