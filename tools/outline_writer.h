/// The outlines of a mask's areas, written as GeoJSON while its rows go by.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "annotation/simplify.h"
#include "swath/annotation.h"
#include "swath/polygon_tracer.h"

namespace swath::tools {

/// Of a mask of width × height px that shows `region` of a slide with that GeoJsonOrigin.
PixelFrame FrameOf(const Region& region, int64_t width, int64_t height, Point origin);

class OutlineWriter {
 public:
  struct Options {
    int64_t width = 0;  ///< of the mask, in its pixels
    PixelFrame frame;   ///< its place in the slide, counted as GeoJSON does
    /// Pixels of the mask that an outline may be away from the edges of pixels: 0, or kLeastTolerance or
    /// more.
    double tolerance = 0;
    std::function<Annotation(uint8_t label)>
        style;  ///< the class, and perhaps the colour, of a label's areas
  };

  /// Throws Error (kOutput), here and below.
  OutlineWriter(const std::string& path, Options options);

  /// The next row of the mask.
  void AddRow(const uint8_t* labels) { tracer_.AddRow(labels); }
  void Finish();

  /// How many areas of a label there were.
  int64_t areas(uint8_t label) const { return areas_[label]; }

 private:
  void Write(const TracedArea& area);
  Ring Place(const Ring& ring) const;

  Options options_;
  GeoJsonWriter writer_;
  std::array<int64_t, 256> areas_{};
  PolygonTracer tracer_;
};

}  // namespace swath::tools
