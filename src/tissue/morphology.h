/// Growing, shrinking and cleaning of maps of cells, each 0 or 1.
#pragma once

#include <cstdint>

#include "swath/tissue.h"

namespace swath {

/// Gives `value` to all cells of which one with it is at most `radius` rows and columns away. What lies
/// outside of the map has neither value.
void Spread(uint8_t value, int64_t radius, TissueMap* map);

/// Gives the other value to connected cells of this one, by their sides, that are fewer than `least`.
void RemoveSmall(uint8_t value, int64_t least, TissueMap* map);

}  // namespace swath
