#include "swath/polygon_tracer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace swath {
namespace {

using testing::ElementsAre;

struct Traced {
  uint8_t label;
  Polygon polygon;
};

std::vector<Traced> Trace(const std::vector<uint8_t>& labels, int64_t width) {
  std::vector<Traced> traced;
  PolygonTracer tracer(width, testing::TempDir() + "traced", [&](const TracedArea& area) {
    traced.push_back({area.label(), area.ToPolygon()});
  });
  for (auto row = labels.begin(); row != labels.end(); row += width) tracer.AddRow(&*row);
  tracer.Finish();
  return traced;
}

/// The areas of pixels that share edges, by the obvious way: how many pixels each has.
std::multiset<std::pair<uint8_t, double>> Fill(std::vector<uint8_t> labels, int64_t width) {
  const int64_t height = static_cast<int64_t>(labels.size()) / width;
  std::multiset<std::pair<uint8_t, double>> areas;
  for (size_t start = 0; start < labels.size(); ++start) {
    const uint8_t label = labels[start];
    if (label == 0) continue;
    std::vector<int64_t> open = {static_cast<int64_t>(start)};
    labels[start] = 0;
    double pixels = 0;
    while (!open.empty()) {
      const int64_t at = open.back(), x = at % width, y = at / width;
      open.pop_back();
      ++pixels;
      for (const auto& [i, j] : {std::pair(x - 1, y), {x + 1, y}, {x, y - 1}, {x, y + 1}}) {
        if (i < 0 || i >= width || j < 0 || j >= height) continue;
        uint8_t& next = labels[static_cast<size_t>(j * width + i)];
        if (next != label) continue;
        next = 0;
        open.push_back(j * width + i);
      }
    }
    areas.insert({label, pixels});
  }
  return areas;
}

void ExpectSimple(const Ring& ring) {
  ASSERT_GE(ring.size(), 4u);
  std::set<std::pair<double, double>> corners;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point &before = ring[(i + ring.size() - 1) % ring.size()], &p = ring[i],
                &after = ring[(i + 1) % ring.size()];
    EXPECT_TRUE(corners.insert({p.x, p.y}).second) << "a ring touches itself";
    EXPECT_NE(before.x == p.x, p.x == after.x) << "a corner that is none";
  }
}

TEST(PolygonTracer, AHoleAndWhatIsInIt) {
  const std::vector<Traced> traced = Trace({1, 1, 1, 1, 0,  //
                                            1, 0, 0, 1, 0,  //
                                            1, 0, 2, 1, 0,  //
                                            1, 1, 1, 1, 0},
                                           5);
  ASSERT_EQ(traced.size(), 2u);
  EXPECT_EQ(traced[0].label, 2);
  EXPECT_THAT(traced[0].polygon.outer,
              testing::UnorderedElementsAre(Point{2, 2}, Point{3, 2}, Point{3, 3}, Point{2, 3}));
  EXPECT_EQ(traced[1].label, 1);
  EXPECT_EQ(Area(traced[1].polygon), 12);
  ASSERT_EQ(traced[1].polygon.holes.size(), 1u);
  EXPECT_EQ(traced[1].polygon.holes[0].size(), 4u);
}

/// The pocket is outside of the area, which only just does not close around it.
TEST(PolygonTracer, AnAreaThatTouchesItselfInACornerHasAHole) {
  const std::vector<Traced> traced = Trace({1, 1, 1,  //
                                            1, 0, 1,  //
                                            1, 1, 0},
                                           3);
  ASSERT_EQ(traced.size(), 1u);
  EXPECT_EQ(traced[0].polygon.holes.size(), 1u);
  EXPECT_EQ(Area(traced[0].polygon), 7);
  ExpectSimple(traced[0].polygon.outer);
}

TEST(PolygonTracer, NoRowsAndNoAreasGiveNothing) {
  EXPECT_TRUE(Trace({}, 3).empty());
  EXPECT_TRUE(Trace({0, 0, 0, 0, 0, 0}, 3).empty());
}

/// Two combs, each with more holes than are held in memory, that become one area in the last row.
TEST(PolygonTracer, ManyHolesWaitInAFile) {
  constexpr int64_t kSide = 801;
  std::vector<uint8_t> labels(kSide * kSide, 1);
  for (int64_t y = 1; y < kSide - 1; y += 2) {
    for (int64_t x = 1; x < kSide - 1; x += 2) labels[static_cast<size_t>(y * kSide + x)] = 0;
  }
  for (int64_t y = 0; y < kSide - 1; ++y) labels[static_cast<size_t>(y * kSide + kSide / 2)] = 0;
  const std::vector<Traced> traced = Trace(labels, kSide);
  ASSERT_EQ(traced.size(), 1u);
  EXPECT_EQ(Area(traced[0].polygon), std::count(labels.begin(), labels.end(), 1));
  std::set<std::pair<double, double>> seen;
  for (const Ring& hole : traced[0].polygon.holes) seen.insert({hole[0].x, hole[0].y});
  EXPECT_EQ(seen.size(), traced[0].polygon.holes.size());
  EXPECT_GT(seen.size(), size_t{150000});
}

/// Areas and their sizes are those of filling; as labels again they are the same pixels.
TEST(PolygonTracer, GivesBackTheLabels) {
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    SCOPED_TRACE(i);
    const int64_t width = 1 + static_cast<int64_t>(random() % 40),
                  height = 1 + static_cast<int64_t>(random() % 40);
    const uint32_t classes = 2 + random() % 3, blocks = 1 + random() % 4;
    std::vector<uint8_t> coarse(40 * 40), labels;
    for (uint8_t& label : coarse) label = static_cast<uint8_t>(random() % classes);
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x)
        labels.push_back(coarse[static_cast<size_t>(y / blocks * 40 + x / blocks)]);
    }
    std::multiset<std::pair<uint8_t, double>> areas;
    Annotations annotations;
    annotations.path = "traced";
    LabelRules rules;
    for (const Traced& traced : Trace(labels, width)) {
      areas.insert({traced.label, Area(traced.polygon)});
      ExpectSimple(traced.polygon.outer);
      for (const Ring& hole : traced.polygon.holes) ExpectSimple(hole);
      const std::string name(1, static_cast<char>('0' + traced.label));
      rules.classes[name] = {LabelRule::Kind::kLabel, traced.label};
      annotations.areas.push_back({.class_name = name, .name = "", .polygons = {traced.polygon}});
    }
    EXPECT_EQ(areas, Fill(labels, width));
    const auto rows = OpenAnnotationLabels(annotations, rules,
                                           {.width = width,
                                            .height = height,
                                            .slide_width = width,
                                            .slide_height = height,
                                            .region = {0, 0, width, height}});
    std::vector<uint8_t> again(labels.size());
    rows->Read({0, height}, again.data());
    EXPECT_EQ(again, labels);
  }
}

}  // namespace
}  // namespace swath
