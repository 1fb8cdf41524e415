#include "tissue/tissue_cells.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace swath {
namespace {

/// `size` pixels show level-0 pixels [begin, begin + length) of `whole`, which `cells` cells lie over.
CellAxis Cross(int64_t size, int64_t begin, int64_t length, int64_t whole, int64_t cells) {
  const auto cell_of = [&](int64_t pixel) {
    const double centre = static_cast<double>(begin) + (static_cast<double>(pixel) + 0.5) *
                                                           static_cast<double>(length) /
                                                           static_cast<double>(size);
    const double cell = centre * static_cast<double>(cells) / static_cast<double>(whole);
    return std::clamp<int64_t>(static_cast<int64_t>(std::floor(cell)), 0, cells - 1);
  };
  CellAxis axis{.first = cell_of(0), .edges = {0}};
  for (int64_t pixel = 1; pixel < size; ++pixel) {
    // Where pixels are larger than cells, some cells have none.
    while (axis.first + axis.cells() < cell_of(pixel)) axis.edges.push_back(pixel);
  }
  axis.edges.push_back(size);
  return axis;
}

}  // namespace

int64_t TissueMap::count() const { return std::accumulate(cells.begin(), cells.end(), int64_t{0}); }

TissueMap EmptyTissueMap(const SlideInfo& slide) {
  const SlideLevel& whole = slide.levels.front();
  const auto cells = [](int64_t pixels, double mpp) {
    const double count = static_cast<double>(pixels) * std::min(1.0, mpp / kCellMicrometres);
    return std::max<int64_t>(1, std::llround(count));
  };
  TissueMap map{.width = cells(whole.width, slide.mpp_x.value_or(kAssumedMpp)),
                .height = cells(whole.height, slide.mpp_y.value_or(kAssumedMpp))};
  map.cells.resize(static_cast<size_t>(map.width * map.height));
  return map;
}

CellAxis ColumnsOf(const TissueMap& tissue, const ImagePlace& place) {
  return Cross(place.width, place.region.x, place.region.width, place.slide_width, tissue.width);
}

CellAxis RowsOf(const TissueMap& tissue, const ImagePlace& place) {
  return Cross(place.height, place.region.y, place.region.height, place.slide_height, tissue.height);
}

}  // namespace swath
