#include "swath/overlay.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "swath/png_writer.h"

namespace swath {
namespace {

using Colour = std::array<uint8_t, 3>;

/// Distinct from one another and from haematoxylin and eosin (after Okabe and Ito's palette).
constexpr std::array<Colour, 7> kColours = {{{0, 158, 115},
                                             {230, 159, 0},
                                             {86, 180, 233},
                                             {213, 94, 0},
                                             {240, 228, 66},
                                             {0, 114, 178},
                                             {60, 60, 60}}};

/// The slide averaged to the picture's cells, RGB.
std::vector<uint8_t> Shrink(RowSource& slide, int64_t wide, int64_t high) {
  std::vector<uint64_t> sums(static_cast<size_t>(wide * high * 3), 0);
  std::vector<uint32_t> counts(static_cast<size_t>(wide * high), 0);
  std::vector<uint8_t> row(static_cast<size_t>(slide.width() * 3));
  for (int64_t y = 0; y < slide.height(); ++y) {
    slide.Read({y, y + 1}, row.data());
    const int64_t cell_row = y * high / slide.height() * wide;
    for (int64_t x = 0; x < slide.width(); ++x) {
      const size_t cell = static_cast<size_t>(cell_row + x * wide / slide.width());
      for (size_t c = 0; c < 3; ++c) sums[cell * 3 + c] += row[static_cast<size_t>(x) * 3 + c];
      ++counts[cell];
    }
  }
  std::vector<uint8_t> picture(sums.size());
  for (size_t i = 0; i < sums.size(); ++i) {
    picture[i] = counts[i / 3] ? static_cast<uint8_t>(sums[i] / counts[i / 3]) : 255;
  }
  return picture;
}

}  // namespace

Overlay::Overlay(int64_t width, int64_t height, int64_t classes, int64_t side)
    : width_(width), height_(height), classes_(classes) {
  const double scale =
      std::min(1.0, static_cast<double>(side) / static_cast<double>(std::max(width, height)));
  cells_wide_ = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(width) * scale));
  cells_high_ = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(height) * scale));
  counts_.assign(static_cast<size_t>(cells_wide_ * cells_high_ * classes), 0);
}

void Overlay::AddRow(const uint8_t* row) {
  assert(next_row_ < height_);
  const int64_t cell_row = next_row_++ * cells_high_ / height_ * cells_wide_;
  for (int64_t x = 0; x < width_; ++x) {
    assert(row[x] < classes_);
    ++counts_[static_cast<size_t>((cell_row + x * cells_wide_ / width_) * classes_ + row[x])];
  }
}

uint8_t Overlay::ClassAt(int64_t x, int64_t y) const {
  const auto begin = counts_.begin() + (y * cells_wide_ + x) * classes_;
  return static_cast<uint8_t>(std::max_element(begin, begin + classes_) - begin);
}

void Overlay::Write(RowSource& slide, const std::string& path) const {
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
      const Colour& colour = kColours[(own - 1u) % kColours.size()];
      uint8_t* pixel = picture.data() + (y * cells_wide_ + x) * 3;
      for (size_t c = 0; c < 3; ++c) {
        pixel[c] = edge ? colour[c] : static_cast<uint8_t>((2 * pixel[c] + colour[c]) / 3);
      }
    }
  }
  PngWriter writer(path, {.width = cells_wide_, .height = cells_high_, .channels = 3});
  writer.WriteRows(picture.data(), cells_high_);
  writer.Finish();
}

}  // namespace swath
