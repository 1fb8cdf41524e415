#include "swath/heat_map.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "output/shrink.h"
#include "swath/png_writer.h"

namespace swath {
namespace {

using Colour = std::array<double, 3>;

/// Dark purple, magenta, orange, yellow.
constexpr std::array<Colour, 4> kHeat = {{{60, 15, 110}, {187, 55, 84}, {249, 142, 9}, {252, 255, 164}}};

}  // namespace

Heat HeatOf(double weight) {
  const double place = std::clamp(weight, 0.0, 1.0) * (kHeat.size() - 1);
  const size_t below = std::min(static_cast<size_t>(place), kHeat.size() - 2);
  const double part = place - static_cast<double>(below);
  Heat heat;
  for (size_t c = 0; c < 3; ++c) heat.colour[c] = (1 - part) * kHeat[below][c] + part * kHeat[below + 1][c];
  heat.cover = std::min(1.0, 0.15 + 1.2 * weight);
  return heat;
}

HeatMap::HeatMap(int64_t width, int64_t height, int64_t slide_width, int64_t slide_height, int64_t side)
    : width_(width), height_(height) {
  const PictureSize size = FitPicture(slide_width, slide_height, side);
  wide_ = size.wide;
  high_ = size.high;
  largest_.assign(static_cast<size_t>(wide_ * high_), 0);
}

void HeatMap::AddRow(const uint8_t* row) {
  assert(next_row_ < height_);
  // A weight covers at least one pixel, and all that it has a part of.
  const auto end_of = [](int64_t next, int64_t pixels, int64_t weights) {
    return (next * pixels + weights - 1) / weights;
  };
  const int64_t bottom = end_of(next_row_ + 1, high_, height_);
  for (int64_t y = next_row_ * high_ / height_; y < bottom; ++y) {
    uint8_t* picture_row = &largest_[static_cast<size_t>(y * wide_)];
    for (int64_t x = 0; x < width_; ++x) {
      const int64_t right = end_of(x + 1, wide_, width_);
      for (int64_t column = x * wide_ / width_; column < right; ++column)
        picture_row[column] = std::max(picture_row[column], row[x]);
    }
  }
  ++next_row_;
}

std::vector<uint8_t> HeatMap::Draw(RowSource& slide) const {
  std::vector<uint8_t> picture = Shrink(slide, wide_, high_);
  for (size_t i = 0; i < largest_.size(); ++i) {
    uint8_t* pixel = &picture[3 * i];
    const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    const auto [colour, cover] = HeatOf(largest_[i] / 255.0);
    for (size_t c = 0; c < 3; ++c)
      pixel[c] = static_cast<uint8_t>(std::lround((1 - cover) * grey + cover * colour[c]));
  }
  return picture;
}

void HeatMap::Write(RowSource& slide, const std::string& path) const {
  const std::vector<uint8_t> picture = Draw(slide);
  PngWriter writer(path, {.width = wide_, .height = high_, .channels = 3});
  writer.WriteRows(picture.data(), high_);
  writer.Finish();
}

}  // namespace swath
