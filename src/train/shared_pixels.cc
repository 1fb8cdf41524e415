#include "train/shared_pixels.h"

namespace swath {

bool SharePixels(const DatasetEntry& a, const DatasetEntry& b) {
  if (a.slide != b.slide) return false;
  if (!a.region || !b.region) return true;
  const auto meet = [](int64_t at, int64_t size, int64_t other, int64_t other_size) {
    return at < other + other_size && other < at + size;
  };
  return meet(a.region->x, a.region->width, b.region->x, b.region->width) &&
         meet(a.region->y, a.region->height, b.region->y, b.region->height);
}

}  // namespace swath
