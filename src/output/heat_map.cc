#include "swath/heat_map.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "output/shrink.h"
#include "swath/png_writer.h"

namespace swath {
namespace {

using Colour = std::array<double, 3>;

/// Dark purple, magenta, orange, yellow.
constexpr std::array<Colour, 4> kHeat = {{{60, 15, 110}, {187, 55, 84}, {249, 142, 9}, {252, 255, 164}}};

/// The colour of a weight from 0 to 1.
Colour HeatOf(double weight) {
  const double place = std::clamp(weight, 0.0, 1.0) * (kHeat.size() - 1);
  const size_t below = std::min(static_cast<size_t>(place), kHeat.size() - 2);
  const double part = place - static_cast<double>(below);
  Colour colour;
  for (size_t c = 0; c < 3; ++c) colour[c] = (1 - part) * kHeat[below][c] + part * kHeat[below + 1][c];
  return colour;
}

}  // namespace

HeatMap::HeatMap(int64_t width, int64_t height, int64_t side) : width_(width), height_(height) {
  const PictureSize size = FitPicture(width, height, side);
  wide_ = size.wide;
  high_ = size.high;
  largest_.assign(static_cast<size_t>(wide_ * high_), 0);
}

void HeatMap::AddRow(const uint8_t* row) {
  assert(next_row_ < height_);
  const int64_t cell_row = next_row_++ * high_ / height_ * wide_;
  for (int64_t x = 0; x < width_; ++x) {
    uint8_t& cell = largest_[static_cast<size_t>(cell_row + x * wide_ / width_)];
    cell = std::max(cell, row[x]);
  }
}

void HeatMap::Write(RowSource& slide, const std::string& path) const {
  std::vector<uint8_t> picture = Shrink(slide, wide_, high_);
  for (size_t cell = 0; cell < largest_.size(); ++cell) {
    const double weight = largest_[cell] / 255.0;
    const Colour colour = HeatOf(weight);
    const double cover = std::min(1.0, 0.15 + 1.2 * weight);  // a veil, so that spots stand out
    for (size_t c = 0; c < 3; ++c) {
      uint8_t& value = picture[3 * cell + c];
      value = static_cast<uint8_t>((1 - cover) * value + cover * colour[c]);
    }
  }
  PngWriter writer(path, {.width = wide_, .height = high_, .channels = 3});
  writer.WriteRows(picture.data(), high_);
  writer.Finish();
}

}  // namespace swath
