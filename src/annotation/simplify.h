/// Outlines of pixels, smooth and with fewer points.
#pragma once

#include <optional>

#include "swath/annotation.h"

namespace swath {

/// Where the corners of a mask's pixels lie in its slide, in level-0 pixels.
struct PixelFrame {
  double scale_x = 1;  ///< level-0 pixels per pixel of the mask
  double scale_y = 1;
  Point origin;

  Point operator()(const Point& p) const { return {origin.x + p.x * scale_x, origin.y + p.y * scale_y}; }
};

/// The least that an outline moves when it is smoothed, √2/4 of a pixel: it then runs through the middles of
/// the edges of pixels and cuts their corners.
constexpr double kLeastTolerance = 0.36;

/// Up to this tolerance no ring of a mask can meet another one or itself.
constexpr double kLoneTolerance = 0.65;

/// A ring along the edges of pixels, in pixels of the mask, as one in level-0 pixels that is nowhere farther
/// from it than `tolerance` pixels of the mask, which is kLeastTolerance or more, and has fewer points,
/// rounded to a hundredth. Never fewer than four. Above kLoneTolerance the ring may meet others, or itself.
Ring SimplifyRing(const Ring& ring, double tolerance, const PixelFrame& frame);

/// A polygon of such rings, which meet nowhere: where they would, they keep more of their points. A hole that
/// would change sides makes the whole polygon keep to kLoneTolerance.
Polygon SimplifyPolygon(const Polygon& polygon, double tolerance, const PixelFrame& frame);

}  // namespace swath
