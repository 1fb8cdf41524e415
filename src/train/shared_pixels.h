/// Whether two images are of the same tissue.
#pragma once

#include "swath/dataset.h"

namespace swath {

/// Whether two entries have pixels in common.
bool SharePixels(const DatasetEntry& a, const DatasetEntry& b);

}  // namespace swath
