#include "annotation/chords.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

namespace swath {
namespace {

/// Twice the area of the triangle, with its sign.
double Turn(const Point& a, const Point& b, const Point& c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

bool InBox(const Point& p, const Chord& c) {
  return std::min(c.from.x, c.to.x) <= p.x && p.x <= std::max(c.from.x, c.to.x) &&
         std::min(c.from.y, c.to.y) <= p.y && p.y <= std::max(c.from.y, c.to.y);
}

bool HavePointInCommon(const Chord& a, const Chord& b) {
  const double from = Turn(a.from, a.to, b.from), to = Turn(a.from, a.to, b.to),
               other_from = Turn(b.from, b.to, a.from), other_to = Turn(b.from, b.to, a.to);
  if (from * to < 0 && other_from * other_to < 0) return true;
  return (from == 0 && InBox(b.from, a)) || (to == 0 && InBox(b.to, a)) ||
         (other_from == 0 && InBox(a.from, b)) || (other_to == 0 && InBox(a.to, b));
}

/// `b` goes on from where `a` ends: they meet if it goes back.
bool GoesBack(const Chord& a, const Chord& b) {
  return Turn(a.from, a.to, b.to) == 0 &&
         (a.from.x - a.to.x) * (b.to.x - b.from.x) + (a.from.y - a.to.y) * (b.to.y - b.from.y) > 0;
}

bool Meet(const Chord& a, const Chord& b) {
  if (a.ring == b.ring && a.to == b.from) return GoesBack(a, b);
  if (a.ring == b.ring && b.to == a.from) return GoesBack(b, a);
  return HavePointInCommon(a, b);
}

double MeanExtent(const std::vector<Chord>& chords) {
  double sum = 0;
  for (const Chord& c : chords) sum += std::abs(c.to.x - c.from.x) + std::abs(c.to.y - c.from.y);
  return sum / static_cast<double>(chords.size());
}

/// A chord in one of the squares that the plane is divided into.
struct InSquare {
  int64_t x, y;
  size_t chord;
  friend auto operator<=>(const InSquare&, const InSquare&) = default;
};

/// All squares that chords pass through, and perhaps some beside them; in order.
std::vector<InSquare> Squares(const std::vector<Chord>& chords, double side) {
  const auto square = [&](double v) { return static_cast<int64_t>(std::floor(v / side)); };
  std::vector<InSquare> squares;
  for (size_t i = 0; i < chords.size(); ++i) {
    const auto [a, b] =
        std::minmax(chords[i].from, chords[i].to, [](const Point& p, const Point& q) { return p.y < q.y; });
    const double slope = b.y > a.y ? (b.x - a.x) / (b.y - a.y) : 0;
    for (int64_t y = square(a.y); y <= square(b.y); ++y) {
      // The part of the chord in this row of squares; a little more, for rounding.
      const double top = std::max(a.y, static_cast<double>(y) * side),
                   bottom = std::min(b.y, static_cast<double>(y + 1) * side);
      const double at_top = b.y > a.y ? a.x + (top - a.y) * slope : a.x,
                   at_bottom = b.y > a.y ? a.x + (bottom - a.y) * slope : b.x;
      const int64_t last = square(std::max(at_top, at_bottom) + 1e-6 * side);
      for (int64_t x = square(std::min(at_top, at_bottom) - 1e-6 * side); x <= last; ++x)
        squares.push_back({x, y, i});
    }
  }
  std::sort(squares.begin(), squares.end());
  return squares;
}

}  // namespace

std::vector<size_t> MeetingChords(const std::vector<Chord>& chords) {
  const std::vector<InSquare> squares = Squares(chords, std::max(1.5 * MeanExtent(chords), 1e-3));
  std::vector<char> meets(chords.size(), 0);
  for (size_t begin = 0, end = 0; begin < squares.size(); begin = end) {
    while (end < squares.size() && squares[end].x == squares[begin].x && squares[end].y == squares[begin].y)
      ++end;
    for (size_t i = begin; i < end; ++i) {
      for (size_t j = i + 1; j < end; ++j) {
        const size_t a = squares[i].chord, b = squares[j].chord;
        if ((meets[a] && meets[b]) || !Meet(chords[a], chords[b])) continue;
        meets[a] = meets[b] = 1;
      }
    }
  }
  std::vector<size_t> meeting;
  for (size_t i = 0; i < chords.size(); ++i) {
    if (meets[i]) meeting.push_back(i);
  }
  return meeting;
}

/// A line to the right of a hole crosses the outer ring an odd number of times, and other holes an even one.
bool HolesAreInside(const std::vector<Chord>& chords, size_t rings) {
  if (rings < 2) return true;
  std::vector<Point> points(rings);
  for (const Chord& c : chords) points[c.ring] = c.from;
  std::vector<std::pair<double, size_t>> by_height;
  for (size_t ring = 1; ring < rings; ++ring) by_height.push_back({points[ring].y, ring});
  std::sort(by_height.begin(), by_height.end());
  std::vector<char> odd(rings, 0);
  for (const Chord& c : chords) {
    const auto [top, bottom] = std::minmax(c.from.y, c.to.y);
    auto at = std::lower_bound(by_height.begin(), by_height.end(), std::pair{top, size_t{0}});
    for (; at != by_height.end() && at->first < bottom; ++at) {
      const Point& p = points[at->second];
      if (c.ring == at->second) continue;
      const double x = c.from.x + (p.y - c.from.y) / (c.to.y - c.from.y) * (c.to.x - c.from.x);
      odd[at->second] ^= x > p.x;
    }
  }
  return std::all_of(odd.begin() + 1, odd.end(), [](char inside) { return inside != 0; });
}

}  // namespace swath
