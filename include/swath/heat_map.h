/// A small picture of a slide with a map of weights on it: where a network looked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// Collects a map of weights by rows, 0 to 255, and draws it over a slide: from nothing by way of purple and
/// orange to yellow. A cell of the picture shows its largest weight, so that the smallest spot is seen.
class HeatMap {
 public:
  /// For a map of width × height px; the picture's longer side is at most `side` px, and of few pixels it is
  /// not less than the slide's picture would be.
  HeatMap(int64_t width, int64_t height, int64_t side = 1024);

  /// The next row of the map: width weights.
  void AddRow(const uint8_t* row);

  /// Writes a PNG. `slide` is RGB of any size, of the same part of the slide as the map. Throws Error
  /// (kOutput), or what the slide throws.
  void Write(RowSource& slide, const std::string& path) const;

  int64_t width() const { return wide_; }

 private:
  int64_t width_, height_;
  int64_t wide_, high_;
  int64_t next_row_ = 0;
  std::vector<uint8_t> largest_;  ///< [cell row, cell column]
};

}  // namespace swath
