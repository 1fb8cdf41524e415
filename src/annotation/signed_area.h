#pragma once

#include "swath/annotation.h"

namespace swath {

/// Of a ring, in pixels; positive where it runs counterclockwise with y pointing up.
inline double SignedArea(const Ring& ring) {
  double twice = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    // Near the first point, so that products of large coordinates do not cancel.
    const Point &a = ring[i], &b = ring[(i + 1) % ring.size()], &o = ring[0];
    twice += (a.x - o.x) * (b.y - o.y) - (b.x - o.x) * (a.y - o.y);
  }
  return twice / 2;
}

}  // namespace swath
