#include "tissue/morphology.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace swath {
namespace {

/// Along one line of `size` cells that are `step` apart.
void SpreadLine(uint8_t value, int64_t radius, int64_t size, int64_t step, uint8_t* cells,
                std::vector<uint8_t>* line) {
  line->resize(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) (*line)[static_cast<size_t>(i)] = cells[i * step];
  int64_t near = 0;  // cells with the value in the window around i
  const auto counts = [&](int64_t i) {
    return i >= 0 && i < size && (*line)[static_cast<size_t>(i)] == value ? 1 : 0;
  };
  for (int64_t i = -radius; i < size; ++i) {
    near += counts(i + radius) - counts(i - radius - 1);
    if (i >= 0 && near > 0) cells[i * step] = value;
  }
}

}  // namespace

void Spread(uint8_t value, int64_t radius, TissueMap* map) {
  std::vector<uint8_t> line;
  for (int64_t y = 0; y < map->height; ++y)
    SpreadLine(value, radius, map->width, 1, map->cells.data() + y * map->width, &line);
  for (int64_t x = 0; x < map->width; ++x)
    SpreadLine(value, radius, map->height, map->width, map->cells.data() + x, &line);
}

void RemoveSmall(uint8_t value, int64_t least, TissueMap* map) {
  const int64_t width = map->width, cells = width * map->height;
  std::vector<bool> seen(static_cast<size_t>(cells));
  std::vector<int64_t> found;
  for (int64_t first = 0; first < cells; ++first) {
    found.clear();
    const auto add = [&](int64_t cell) {
      const size_t i = static_cast<size_t>(cell);
      if (seen[i] || map->cells[i] != value) return;
      seen[i] = true;
      found.push_back(cell);
    };
    add(first);
    for (size_t next = 0; next < found.size(); ++next) {
      const int64_t cell = found[next], x = cell % width;
      if (x > 0) add(cell - 1);
      if (x + 1 < width) add(cell + 1);
      if (cell >= width) add(cell - width);
      if (cell + width < cells) add(cell + width);
    }
    if (static_cast<int64_t>(found.size()) >= least) continue;
    for (const int64_t cell : found) map->cells[static_cast<size_t>(cell)] = static_cast<uint8_t>(1 - value);
  }
}

}  // namespace swath
