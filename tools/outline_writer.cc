#include "tools/outline_writer.h"

#include <algorithm>
#include <utility>

namespace swath::tools {
namespace {

/// The corners of an area that is simplified as a whole; beyond them, ring by ring.
constexpr int64_t kMostCorners = int64_t{1} << 17;

}  // namespace

PixelFrame FrameOf(const Region& region, int64_t width, int64_t height, Point origin) {
  return {.scale_x = static_cast<double>(region.width) / static_cast<double>(width),
          .scale_y = static_cast<double>(region.height) / static_cast<double>(height),
          .origin = {static_cast<double>(region.x) - origin.x, static_cast<double>(region.y) - origin.y}};
}

OutlineWriter::OutlineWriter(const std::string& path, Options options)
    : options_(std::move(options)),
      writer_(path),
      tracer_(options_.width, path, [this](const TracedArea& area) { Write(area); }) {}

void OutlineWriter::Finish() {
  tracer_.Finish();
  writer_.Finish();
}

Ring OutlineWriter::Place(const Ring& ring) const {
  if (options_.tolerance > 0)
    return SimplifyRing(ring, std::min(options_.tolerance, kLoneTolerance), options_.frame);
  Ring placed;
  placed.reserve(ring.size());
  for (const Point& p : ring) placed.push_back(options_.frame(p));
  return placed;
}

void OutlineWriter::Write(const TracedArea& area) {
  ++areas_[area.label()];
  Annotation style = options_.style(area.label());
  const int64_t corners = static_cast<int64_t>(area.outer().size()) + area.hole_corners();
  if (options_.tolerance > kLoneTolerance && corners <= kMostCorners) {
    style.polygons = {SimplifyPolygon(area.ToPolygon(), options_.tolerance, options_.frame)};
    return writer_.Write(style);
  }
  writer_.BeginPolygon(Place(area.outer()));
  area.ForEachHole([&](const Ring& hole) { writer_.AddHole(Place(hole)); });
  writer_.EndPolygon(style);
}

}  // namespace swath::tools
