/// A small picture of a slide with a map of weights on it: where a network looked.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// How a weight from 0 to 1 is shown: from nothing by way of purple and orange to yellow.
struct Heat {
  std::array<double, 3> colour{};  ///< RGB, 0 to 255
  double cover = 0;                ///< 1 hides what is below; never 0: a veil, so that spots stand out
};
Heat HeatOf(double weight);

/// Collects a map of weights by rows, 0 to 255, and draws it over a grey picture of the slide. A pixel shows
/// its largest weight, so that the smallest spot is seen.
class HeatMap {
 public:
  /// For a map of width × height weights of a slide of slide_width × slide_height px. The picture has the
  /// slide's shape, its longer side at most `side` px: more than the map has where that is coarse.
  HeatMap(int64_t width, int64_t height, int64_t slide_width, int64_t slide_height, int64_t side = 1024);

  /// The next row of the map: width weights.
  void AddRow(const uint8_t* row);

  /// The picture, [row, column, RGB]. `slide` is RGB of any size, of the same part of the slide as the map.
  /// Throws what the slide throws.
  std::vector<uint8_t> Draw(RowSource& slide) const;
  /// Writes it as a PNG. Throws Error (kOutput), or what the slide throws.
  void Write(RowSource& slide, const std::string& path) const;

  int64_t width() const { return wide_; }
  int64_t height() const { return high_; }

 private:
  int64_t width_, height_;
  int64_t wide_, high_;
  int64_t next_row_ = 0;
  std::vector<uint8_t> largest_;  ///< [picture row, column]
};

}  // namespace swath
