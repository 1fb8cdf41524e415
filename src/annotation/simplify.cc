#include "annotation/simplify.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "annotation/chords.h"

namespace swath {
namespace {

/// The middles of the edges of pixels, without those that lie on a line between others: what is farther apart
/// than one pixel's edge along the outline is then at least √2/2 pixels apart.
Ring Smooth(const Ring& ring, const PixelFrame& frame) {
  const auto rounded = [](double v) { return std::round(v * 100) / 100; };
  Ring smooth;
  const auto add = [&](double x, double y) {
    const Point p = frame({x, y});
    smooth.push_back({rounded(p.x), rounded(p.y)});
  };
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point &a = ring[i], &b = ring[(i + 1) % ring.size()];
    const double length = std::abs(b.x - a.x) + std::abs(b.y - a.y), dx = (b.x - a.x) / length / 2,
                 dy = (b.y - a.y) / length / 2;
    add(a.x + dx, a.y + dy);
    if (length > 1) add(b.x - dx, b.y - dy);
  }
  return smooth;
}

double SquaredDistance(const Point& p, const Point& a, const Point& b) {
  const double x = b.x - a.x, y = b.y - a.y, length = x * x + y * y;
  const double t = length > 0 ? std::clamp(((p.x - a.x) * x + (p.y - a.y) * y) / length, 0.0, 1.0) : 0;
  const double dx = a.x + t * x - p.x, dy = a.y + t * y - p.y;
  return dx * dx + dy * dy;
}

/// A smooth ring, and which of its points are kept: enough for all to lie near the chords between them (Ramer
/// 1972, Douglas and Peucker 1973).
class Line {
 public:
  Line(Ring points, double tolerance)
      : points_(std::move(points)), squared_tolerance_(tolerance * tolerance), kept_(points_.size(), 0) {
    // The outermost points on four sides are different ones: they lie on edges of different directions or on
    // opposite ones. A ring of them has an area.
    const auto by_x = [](const Point& a, const Point& b) { return a.x < b.x; };
    const auto by_y = [](const Point& a, const Point& b) { return a.y < b.y; };
    const auto [left, right] = std::minmax_element(points_.begin(), points_.end(), by_x);
    const auto [top, bottom] = std::minmax_element(points_.begin(), points_.end(), by_y);
    for (const auto& outermost : {left, right, top, bottom})
      kept_[static_cast<size_t>(outermost - points_.begin())] = 1;
    std::vector<Piece> pieces;
    ForEachChord([&](size_t begin, size_t end) { pieces.push_back({begin, end}); });
    Refine(std::move(pieces));
  }

  /// Keeps a point of the chord's, the one farthest from it. False where there is none between its ends.
  bool Split(size_t begin, size_t end) {
    if (end - begin < 2) return false;
    const size_t at = Farthest(begin, end).first;
    kept_[at % points_.size()] = 1;
    Refine({{begin, at}, {at, end}});  // what was near the whole piece need not be near its halves
    return true;
  }

  /// Calls use(begin, end) with the indices of the points that a chord joins; end is counted on beyond the
  /// last point.
  template <class Use>
  void ForEachChord(const Use& use) const {
    const size_t n = points_.size(),
                 first = static_cast<size_t>(std::find(kept_.begin(), kept_.end(), 1) - kept_.begin());
    for (size_t begin = first, end = first + 1; end <= first + n; ++end) {
      if (!kept_[end % n]) continue;
      use(begin, end);
      begin = end;
    }
  }
  const Point& at(size_t i) const { return points_[i % points_.size()]; }
  Ring Kept() const {
    Ring ring;
    for (size_t i = 0; i < points_.size(); ++i) {
      if (kept_[i]) ring.push_back(points_[i]);
    }
    return ring;
  }

 private:
  struct Piece {
    size_t begin, end;
  };

  void Refine(std::vector<Piece> pieces) {
    while (!pieces.empty()) {
      const auto [begin, end] = pieces.back();
      pieces.pop_back();
      const auto [at, squared] = Farthest(begin, end);
      if (squared <= squared_tolerance_) continue;
      kept_[at % points_.size()] = 1;
      pieces.push_back({begin, at});
      pieces.push_back({at, end});
    }
  }
  std::pair<size_t, double> Farthest(size_t begin, size_t end) const {
    std::pair<size_t, double> farthest = {begin + 1, -1.0};
    for (size_t i = begin + 1; i < end; ++i) {
      const double squared = SquaredDistance(at(i), at(begin), at(end));
      if (squared > farthest.second) farthest = {i, squared};
    }
    return farthest;
  }

  Ring points_;
  double squared_tolerance_;
  std::vector<char> kept_;
};

Line Simplified(const Ring& ring, double tolerance, const PixelFrame& frame) {
  return {Smooth(ring, frame), (tolerance - kLeastTolerance) * std::min(frame.scale_x, frame.scale_y)};
}

std::vector<Chord> ChordsOf(const std::vector<Line>& lines) {
  std::vector<Chord> chords;
  for (size_t ring = 0; ring < lines.size(); ++ring) {
    lines[ring].ForEachChord([&](size_t begin, size_t end) {
      chords.push_back({.from = lines[ring].at(begin),
                        .to = lines[ring].at(end),
                        .ring = ring,
                        .begin = begin,
                        .end = end});
    });
  }
  return chords;
}

/// Splits chords until none meets another. False where that does not come to an end, or a hole is not where
/// it was.
bool Separate(std::vector<Line>* lines) {
  while (true) {
    const std::vector<Chord> chords = ChordsOf(*lines);
    const std::vector<size_t> meeting = MeetingChords(chords);
    if (meeting.empty()) return HolesAreInside(chords, lines->size());
    bool split = false;
    for (const size_t i : meeting) split |= (*lines)[chords[i].ring].Split(chords[i].begin, chords[i].end);
    if (!split) return false;
  }
}

Polygon ToPolygon(const std::vector<Line>& lines) {
  Polygon polygon = {.outer = lines.front().Kept(), .holes = {}};
  for (size_t i = 1; i < lines.size(); ++i) polygon.holes.push_back(lines[i].Kept());
  return polygon;
}

}  // namespace

Ring SimplifyRing(const Ring& ring, double tolerance, const PixelFrame& frame) {
  return Simplified(ring, tolerance, frame).Kept();
}

Polygon SimplifyPolygon(const Polygon& polygon, double tolerance, const PixelFrame& frame) {
  const auto lines_for = [&](double t) {
    std::vector<Line> lines = {Simplified(polygon.outer, t, frame)};
    for (const Ring& hole : polygon.holes) lines.push_back(Simplified(hole, t, frame));
    return lines;
  };
  std::vector<Line> lines = lines_for(tolerance);
  if (tolerance > kLoneTolerance && !Separate(&lines)) lines = lines_for(kLoneTolerance);
  return ToPolygon(lines);
}

}  // namespace swath
