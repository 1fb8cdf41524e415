/// From rows of labels to outlines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "swath/annotation.h"

namespace swath {

/// Takes labels from the top down and gives the polygons of their areas: pixels of one label that share
/// edges. Outlines run along the edges of pixels, exactly: as labels again they are the same pixels. Rings
/// touch themselves nowhere, and others in corners only; label 0 has no areas, but makes holes.
///
/// Memory is a row, and the outlines of areas that have not ended: their corners, 12 bytes each. Belongs to
/// one thread.
class PolygonTracer {
 public:
  /// Gets each area when the row below it has been seen. Corners are in pixels of the labels.
  using Sink = std::function<void(uint8_t label, Polygon polygon)>;

  PolygonTracer(int64_t width, Sink sink);
  ~PolygonTracer();
  PolygonTracer(const PolygonTracer&) = delete;
  PolygonTracer& operator=(const PolygonTracer&) = delete;

  /// The next row, of `width` labels.
  void AddRow(const uint8_t* labels);
  /// Call once, after the last row.
  void Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swath
