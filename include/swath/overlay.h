/// A small picture of a slide with what was predicted on it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// Collects a class map by rows, as it is predicted, and draws it over a slide: each class in a colour of its
/// own, half transparent, with a solid edge; class 0 shows the slide as it is.
class Overlay {
 public:
  /// For a class map of width × height px; the picture's longer side is at most `side` px.
  Overlay(int64_t width, int64_t height, int64_t classes, int64_t side = 1024);

  /// The next row of the map: width classes, each below `classes`.
  void AddRow(const uint8_t* row);

  /// How many pixels of the rows so far are of that class.
  int64_t Pixels(uint8_t c) const;

  /// The picture, [row, column, RGB]. `slide` is RGB of any size, of the same part of the slide as the map.
  /// Throws what the slide throws.
  std::vector<uint8_t> Draw(RowSource& slide) const;
  /// Writes it as a PNG. Throws Error (kOutput), or what the slide throws.
  void Write(RowSource& slide, const std::string& path) const;

  /// Bytes that such an overlay holds, and the picture that it draws.
  static int64_t BufferBytes(int64_t width, int64_t height, int64_t classes, int64_t side = 1024);

  int64_t width() const { return cells_wide_; }
  int64_t height() const { return cells_high_; }

 private:
  /// The most frequent class of a cell of the picture.
  uint8_t ClassAt(int64_t x, int64_t y) const;

  int64_t width_, height_, classes_;
  int64_t cells_wide_, cells_high_;
  int64_t next_row_ = 0;
  std::vector<int64_t> ends_;     ///< of the cells' columns
  std::vector<uint32_t> counts_;  ///< [cell row, cell column, class]
};

}  // namespace swath
