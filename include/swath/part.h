/// Rectangles of an image.
#pragma once

#include <cstdint>

#include "swath/range.h"

namespace swath {

/// Rows and columns of an image, in its pixels.
struct Part {
  Range rows;
  Range columns;

  constexpr int64_t pixels() const { return rows.size() * columns.size(); }
  friend constexpr bool operator==(const Part&, const Part&) = default;
};

constexpr Part Overlap(const Part& a, const Part& b) {
  return {Intersect(a.rows, b.rows), Intersect(a.columns, b.columns)};
}

}  // namespace swath
