#include "swath/overlay.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>

#include "geometry/window.h"
#include "output/shrink.h"
#include "swath/class_colour.h"
#include "swath/png_writer.h"

namespace swath {

Overlay::Overlay(int64_t width, int64_t height, int64_t classes, int64_t side)
    : width_(width), height_(height), classes_(classes) {
  const PictureSize size = FitPicture(width, height, side);
  cells_wide_ = size.wide;
  cells_high_ = size.high;
  counts_.assign(static_cast<size_t>(cells_wide_ * cells_high_ * classes), 0);
  // Pixel x is in cell x · cells_wide_ / width_, rounded down.
  for (int64_t cell = 1; cell <= cells_wide_; ++cell) ends_.push_back(CeilDiv(cell * width_, cells_wide_));
}

int64_t Overlay::BufferBytes(int64_t width, int64_t height, int64_t classes, int64_t side) {
  const PictureSize size = FitPicture(width, height, side);
  return size.wide * static_cast<int64_t>(sizeof(int64_t)) +
         size.wide * size.high * (classes * static_cast<int64_t>(sizeof(uint32_t)) + 3);
}

void Overlay::AddRow(const uint8_t* row) {
  assert(next_row_ < height_);
  const int64_t cell_row = next_row_++ * cells_high_ / height_ * cells_wide_;
  int64_t x = 0;
  for (int64_t cell = 0; cell < cells_wide_; ++cell) {
    const auto counts = counts_.begin() + (cell_row + cell) * classes_;
    const int64_t end = ends_[static_cast<size_t>(cell)];
    if (classes_ == 2) {  // by far the most frequent, and a sum is much faster
      const uint32_t ones = std::accumulate(row + x, row + end, uint32_t{0});
      counts[0] += static_cast<uint32_t>(end - x) - ones;
      counts[1] += ones;
      x = end;
      continue;
    }
    for (; x < end; ++x) {
      assert(row[x] < classes_);
      ++counts[row[x]];
    }
  }
}

int64_t Overlay::Pixels(uint8_t c) const {
  int64_t pixels = 0;
  for (size_t at = c; at < counts_.size(); at += static_cast<size_t>(classes_)) pixels += counts_[at];
  return pixels;
}

uint8_t Overlay::ClassAt(int64_t x, int64_t y) const {
  const auto begin = counts_.begin() + (y * cells_wide_ + x) * classes_;
  return static_cast<uint8_t>(std::max_element(begin, begin + classes_) - begin);
}

std::vector<uint8_t> Overlay::Draw(RowSource& slide) const {
  std::vector<uint8_t> picture = Shrink(slide, cells_wide_, cells_high_);
  const auto at = [&](int64_t x, int64_t y) {
    return ClassAt(std::clamp<int64_t>(x, 0, cells_wide_ - 1), std::clamp<int64_t>(y, 0, cells_high_ - 1));
  };
  for (int64_t y = 0; y < cells_high_; ++y) {
    for (int64_t x = 0; x < cells_wide_; ++x) {
      const uint8_t own = at(x, y);
      if (own == 0) continue;
      const bool edge =
          at(x - 1, y) != own || at(x + 1, y) != own || at(x, y - 1) != own || at(x, y + 1) != own;
      const std::array<uint8_t, 3> colour = ClassColour(own);
      uint8_t* pixel = picture.data() + (y * cells_wide_ + x) * 3;
      for (size_t c = 0; c < 3; ++c) {
        pixel[c] = edge ? colour[c] : static_cast<uint8_t>((2 * pixel[c] + colour[c]) / 3);
      }
    }
  }
  return picture;
}

void Overlay::Write(RowSource& slide, const std::string& path) const {
  const std::vector<uint8_t> picture = Draw(slide);
  PngWriter writer(path, {.width = cells_wide_, .height = cells_high_, .channels = 3});
  writer.WriteRows(picture.data(), cells_high_);
  writer.Finish();
}

}  // namespace swath
