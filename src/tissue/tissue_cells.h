/// How large the cells of a map are, and which of them the pixels of an image lie in.
#pragma once

#include <vector>

#include "swath/tissue.h"

namespace swath {

inline constexpr double kCellMicrometres = 8;

/// An empty map for this slide. Its cells are at least as large as a level-0 pixel.
TissueMap EmptyTissueMap(const SlideInfo& slide);

/// Where a line of an image's pixels, across or down, crosses the cells of the map.
struct CellAxis {
  int64_t first = 0;           ///< the cell of pixel 0
  std::vector<int64_t> edges;  ///< of pixels: cell first + i has pixels edges[i] to edges[i + 1] - 1

  int64_t cells() const { return static_cast<int64_t>(edges.size()) - 1; }
};

/// A pixel is in the cell that its centre is in.
CellAxis ColumnsOf(const TissueMap& tissue, const ImagePlace& place);
CellAxis RowsOf(const TissueMap& tissue, const ImagePlace& place);

}  // namespace swath
