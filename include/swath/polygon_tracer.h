/// From rows of labels to outlines.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "swath/annotation.h"

namespace swath {

/// Pixels of one label that share edges, as the polygon around them. Corners are in pixels of the labels.
class TracedArea {
 public:
  virtual ~TracedArea() = default;

  virtual uint8_t label() const = 0;
  virtual const Ring& outer() const = 0;
  virtual int64_t holes() const = 0;
  virtual int64_t hole_corners() const = 0;  ///< of all holes
  /// A ring is valid during the call.
  virtual void ForEachHole(const std::function<void(const Ring&)>& use) const = 0;

  Polygon ToPolygon() const;
};

/// Takes labels from the top down and gives the polygons of their areas. Outlines run along the edges of
/// pixels, exactly: as labels again they are the same pixels. Rings touch themselves nowhere, and others in
/// corners only; label 0 has no areas, but makes holes.
///
/// Memory is a row, and the outer outlines of areas that have not ended: their corners, 12 bytes each. Holes
/// wait in a temporary file where they are many. Belongs to one thread. Throws Error (kOutput) where that
/// file cannot be written.
class PolygonTracer {
 public:
  /// Gets each area when the row below it has been seen; valid during the call.
  using Sink = std::function<void(const TracedArea& area)>;

  /// The temporary file lies, without a name, in the folder of the file `beside`.
  PolygonTracer(int64_t width, const std::string& beside, Sink sink);
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
