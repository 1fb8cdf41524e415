#include "annotation/simplify.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "annotation/chords.h"
#include "swath/polygon_tracer.h"

namespace swath {
namespace {

std::vector<Polygon> Trace(const std::vector<uint8_t>& labels, int64_t width) {
  std::vector<Polygon> traced;
  PolygonTracer tracer(width, testing::TempDir() + "traced",
                       [&](const TracedArea& area) { traced.push_back(area.ToPolygon()); });
  for (auto row = labels.begin(); row != labels.end(); row += width) tracer.AddRow(&*row);
  tracer.Finish();
  return traced;
}

/// Smooth shapes with a ragged edge, as predictions are.
std::vector<uint8_t> Blobs(int64_t width, int64_t height, std::mt19937* random) {
  std::uniform_real_distribution<double> uniform(0, 1);
  const double a = 2 + 6 * uniform(*random), b = 2 + 6 * uniform(*random), threshold = uniform(*random) - 0.5,
               noise = uniform(*random);
  std::vector<uint8_t> labels;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double v = std::sin(static_cast<double>(x) / a) + std::cos(static_cast<double>(y) / b);
      labels.push_back(v + noise * (uniform(*random) - 0.5) > threshold);
    }
  }
  return labels;
}

std::vector<Chord> Chords(const Polygon& polygon) {
  std::vector<Chord> chords;
  const auto add = [&](const Ring& ring, size_t index) {
    for (size_t i = 0; i < ring.size(); ++i)
      chords.push_back({.from = ring[i], .to = ring[(i + 1) % ring.size()], .ring = index});
  };
  add(polygon.outer, 0);
  for (size_t i = 0; i < polygon.holes.size(); ++i) add(polygon.holes[i], i + 1);
  return chords;
}

double Cross(const Point& o, const Point& a, const Point& b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

/// By the obvious way: every chord with every other one.
bool AnyMeet(const std::vector<Chord>& chords) {
  const auto on = [](const Point& p, const Chord& c) {
    return Cross(c.from, c.to, p) == 0 && std::min(c.from.x, c.to.x) <= p.x &&
           p.x <= std::max(c.from.x, c.to.x) && std::min(c.from.y, c.to.y) <= p.y &&
           p.y <= std::max(c.from.y, c.to.y);
  };
  for (size_t i = 0; i < chords.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const Chord &a = chords[i], &b = chords[j];
      if (Cross(a.from, a.to, b.from) * Cross(a.from, a.to, b.to) < 0 &&
          Cross(b.from, b.to, a.from) * Cross(b.from, b.to, a.to) < 0)
        return true;
      const bool follow = a.ring == b.ring && (a.to == b.from || b.to == a.from);
      if (follow ? on(a.to == b.from ? b.to : b.from, a) || on(a.to == b.from ? a.from : a.to, b)
                 : on(a.from, b) || on(a.to, b) || on(b.from, a) || on(b.to, a))
        return true;
    }
  }
  return false;
}

double Distance(const Point& p, const Ring& ring) {
  double least = 1e300;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point &a = ring[i], &b = ring[(i + 1) % ring.size()];
    const double x = b.x - a.x, y = b.y - a.y, squared = x * x + y * y;
    const double t = std::clamp(((p.x - a.x) * x + (p.y - a.y) * y) / squared, 0.0, 1.0);
    least = std::min(least, std::hypot(a.x + t * x - p.x, a.y + t * y - p.y));
  }
  return least;
}

void ExpectNear(const Ring& simple, const Ring& exact, double tolerance, const PixelFrame& frame) {
  Ring there;
  for (const Point& p : exact) there.push_back(frame(p));
  const double scale = std::max(frame.scale_x, frame.scale_y);
  for (const Point& p : there) ASSERT_LE(Distance(p, simple), tolerance * scale + 0.01);
  for (const Point& p : simple) ASSERT_LE(Distance(p, there), tolerance * scale + 0.01);
}

TEST(Simplify, ASinglePixelIsADiamond) {
  EXPECT_THAT(
      SimplifyRing({{2, 3}, {3, 3}, {3, 4}, {2, 4}}, 1, {.scale_x = 4, .scale_y = 2, .origin = {100, 0}}),
      testing::UnorderedElementsAre(Point{110, 6}, Point{112, 7}, Point{110, 8}, Point{108, 7}));
}

TEST(Simplify, AStaircaseIsALine) {
  std::vector<uint8_t> labels;
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) labels.push_back(x >= y);
  }
  const std::vector<Polygon> traced = Trace(labels, 100);
  ASSERT_EQ(traced.size(), 1u);
  EXPECT_GT(traced[0].outer.size(), 200u);
  EXPECT_LE(SimplifyRing(traced[0].outer, 0.5, {}).size(), 7u);
}

/// Polygons stay valid at every tolerance, and near; each ring alone does at the smaller ones.
TEST(Simplify, RingsStayApart) {
  std::mt19937 random(3);
  int64_t points = 0, corners = 0;
  for (int i = 0; i < 150; ++i) {
    SCOPED_TRACE(i);
    const PixelFrame frame = {
        .scale_x = i % 3 == 0 ? 1 : 3.7, .scale_y = i % 3 == 0 ? 1 : 3.6, .origin = {12, 5}};
    for (const Polygon& exact : Trace(Blobs(60, 50, &random), 60)) {
      for (const double tolerance : {0.36, 0.5, 0.65, 1.0, 3.0, 10.0}) {
        SCOPED_TRACE(tolerance);
        const Polygon simple = SimplifyPolygon(exact, tolerance, frame);
        const std::vector<Chord> chords = Chords(simple);
        ASSERT_FALSE(AnyMeet(chords));
        ASSERT_EQ(simple.holes.size(), exact.holes.size());
        ASSERT_TRUE(HolesAreInside(chords, 1 + simple.holes.size()));
        ExpectNear(simple.outer, exact.outer, tolerance, frame);
        for (size_t h = 0; h < exact.holes.size(); ++h)
          ExpectNear(simple.holes[h], exact.holes[h], tolerance, frame);
        if (tolerance != 1) continue;
        points += static_cast<int64_t>(chords.size());
        corners += static_cast<int64_t>(Chords(exact).size());
      }
    }
  }
  EXPECT_LT(points, corners / 2);
}

TEST(MeetingChords, AreThoseOfComparingAll) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(-10, 10);
  for (int i = 0; i < 200; ++i) {
    const double reach = i % 2 == 0 ? 0.2 : 1.5;
    std::vector<Chord> chords;
    for (size_t ring = 0; ring < 12; ++ring) {
      const Point p = {uniform(random), uniform(random)};
      chords.push_back(
          {.from = p, .to = {p.x + reach * uniform(random), p.y + reach * uniform(random)}, .ring = ring});
    }
    EXPECT_EQ(!MeetingChords(chords).empty(), AnyMeet(chords));
  }
}

}  // namespace
}  // namespace swath
