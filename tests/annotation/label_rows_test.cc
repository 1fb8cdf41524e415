#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "swath/annotation.h"
#include "swath/error.h"

namespace swath {
namespace {

using testing::HasSubstr;

constexpr uint8_t kElsewhere = 7, kIgnore = 255;

ImagePlace WholeSlide(int64_t width, int64_t height, int64_t downsample = 1) {
  return {.width = width / downsample,
          .height = height / downsample,
          .slide_width = width,
          .slide_height = height,
          .region = {0, 0, width, height}};
}

LabelRules Rules() {
  return {.classes = {{"a", {LabelRule::Kind::kLabel, 1}},
                      {"b", {LabelRule::Kind::kLabel, 2}},
                      {"ignored", {.kind = LabelRule::Kind::kIgnore}},
                      {"region", {.kind = LabelRule::Kind::kRegion}},
                      {"nothing", {.kind = LabelRule::Kind::kNothing}}},
          .elsewhere = kElsewhere,
          .ignore = kIgnore};
}

std::vector<uint8_t> ReadAll(RowSource* rows) {
  std::vector<uint8_t> pixels(static_cast<size_t>(rows->width() * rows->height()));
  rows->Read({0, rows->height()}, pixels.data());
  return pixels;
}

Ring Box(double left, double top, double right, double bottom) {
  return {{left, top}, {right, top}, {right, bottom}, {left, bottom}};
}

Annotations Drawn(std::vector<Annotation> areas) {
  Annotations annotations;
  annotations.path = "drawn";
  annotations.areas = std::move(areas);
  return annotations;
}

/// How often a ring winds around a point, counted on a ray to the left.
int Winding(const Ring& ring, Point p) {
  int winding = 0;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point &a = ring[i], &b = ring[(i + 1) % ring.size()];
    if ((a.y <= p.y) == (b.y <= p.y)) continue;
    if (a.x + (p.y - a.y) * (b.x - a.x) / (b.y - a.y) <= p.x) winding += a.y < b.y ? 1 : -1;
  }
  return winding;
}

bool Holds(const Polygon& polygon, Point p) {
  if (Winding(polygon.outer, p) == 0) return false;
  return std::none_of(polygon.holes.begin(), polygon.holes.end(),
                      [&](const Ring& hole) { return Winding(hole, p) != 0; });
}

/// Pixel by pixel, as the header defines it.
std::vector<uint8_t> Define(const Annotations& annotations, const ImagePlace& place) {
  const LabelRules rules = Rules();
  std::vector<uint8_t> labels;
  for (int64_t y = 0; y < place.height; ++y) {
    for (int64_t x = 0; x < place.width; ++x) {
      const Region& r = place.region;
      const Point centre{
          static_cast<double>(r.x) + (static_cast<double>(x) + 0.5) * static_cast<double>(r.width) /
                                         static_cast<double>(place.width),
          static_cast<double>(r.y) + (static_cast<double>(y) + 0.5) * static_cast<double>(r.height) /
                                         static_cast<double>(place.height)};
      uint8_t label = kElsewhere;
      bool regions = false, in_region = false, ignored = false;
      for (const Annotation& area : annotations.areas) {
        const LabelRule& rule = rules.classes.at(area.class_name);
        const bool inside = std::any_of(area.polygons.begin(), area.polygons.end(),
                                        [&](const Polygon& p) { return Holds(p, centre); });
        if (rule.kind == LabelRule::Kind::kLabel && inside) label = rule.label;
        if (rule.kind == LabelRule::Kind::kIgnore && inside) ignored = true;
        if (rule.kind == LabelRule::Kind::kRegion) regions = true;
        if (rule.kind == LabelRule::Kind::kRegion && inside) in_region = true;
      }
      labels.push_back(ignored || (regions && !in_region) ? kIgnore : label);
    }
  }
  return labels;
}

/// Rings that cross themselves and others, in and out of the image.
Annotations DrawRandom(std::mt19937* random, double width, double height, bool on_centres = true) {
  const auto draw = [&](double least, double most) {
    return std::uniform_real_distribution(least, most)(*random);
  };
  const auto ring = [&] {
    const Point centre{draw(-10, width + 10), draw(-10, height + 10)};
    const double reach = draw(1, 40);
    const int points = static_cast<int>(draw(3, 12));
    // Some lie on pixel centres and corners.
    const double grid = on_centres && draw(0, 1) < 0.3 ? 0.5 : 1e-6;
    Ring made;
    for (int i = 0; i < points; ++i)
      made.push_back({std::round((centre.x + draw(-reach, reach)) / grid) * grid,
                      std::round((centre.y + draw(-reach, reach)) / grid) * grid});
    return made;
  };
  const std::vector<std::string> classes = {"a", "b", "a", "b", "ignored", "nothing"};
  // So that something lies in the slide.
  std::vector<Annotation> areas = {
      {.class_name = "nothing", .name = "", .polygons = {{Box(1, 1, 2, 2), {}}}}};
  const int count = static_cast<int>(draw(1, 9));
  const bool regions = draw(0, 1) < 0.3;
  for (int i = 0; i < count; ++i) {
    Annotation area{.class_name = classes[static_cast<size_t>(draw(0, 5.999))], .name = ""};
    if (regions && i % 3 == 0) area.class_name = "region";
    for (int p = 0; p < 1 + i % 2; ++p) {
      area.polygons.push_back({ring(), {}});
      for (int h = static_cast<int>(draw(0, 3)); h > 0; --h) area.polygons.back().holes.push_back(ring());
    }
    areas.push_back(area);
  }
  return Drawn(areas);
}

TEST(AnnotationLabels, AreWhatTheirDefinitionSays) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    SCOPED_TRACE(i);
    ImagePlace place = WholeSlide(90, 70, 1 + i % 3);
    if (i % 4 == 0) place.region = {11, 7, 33, 41}, place.width = 33, place.height = 41;
    // A third of a pixel is no double: what lies on an edge there may be on either side.
    const Annotations annotations = DrawRandom(&random, 90, 70, i % 3 != 2);
    const auto rows = OpenAnnotationLabels(annotations, Rules(), place);
    EXPECT_EQ(ReadAll(rows.get()), Define(annotations, place));
  }
}

TEST(AnnotationLabels, DoNotDependOnTheOrderOfRows) {
  std::mt19937 random(2);
  const ImagePlace place = WholeSlide(90, 70);
  for (int i = 0; i < 50; ++i) {
    const Annotations annotations = DrawRandom(&random, 90, 70);
    const auto rows = OpenAnnotationLabels(annotations, Rules(), place);
    const std::vector<uint8_t> expected = ReadAll(rows.get());
    const auto clone = rows->Clone();
    std::vector<uint8_t> row(90);
    for (int j = 0; j < 60; ++j) {
      const int64_t y = static_cast<int64_t>(random() % 70);
      RowSource* reader = j % 3 ? rows.get() : clone.get();
      reader->Read({y, y + 1}, row.data());
      EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.begin() + y * 90)) << y;
    }
  }
}

TEST(AnnotationLabels, TheLaterAreaCoversTheEarlier) {
  const auto rows = OpenAnnotationLabels(
      Drawn({{.class_name = "a", .name = "", .polygons = {{Box(0, 0, 6, 2), {}}}},
             {.class_name = "ignored", .name = "", .polygons = {{Box(5, 0, 6, 2), {}}}},
             {.class_name = "b", .name = "", .polygons = {{Box(3, 0, 6, 2), {Box(4, 0, 5, 2)}}}}}),
      Rules(), WholeSlide(8, 2));
  const std::vector<uint8_t> row = {1, 1, 1, 2, 1, kIgnore, kElsewhere, kElsewhere};
  std::vector<uint8_t> found = ReadAll(rows.get());
  found.resize(8);
  EXPECT_EQ(found, row);
}

/// Shapes as large as annotations are have as many pixels as the polygon has area, to 0.1 %.
TEST(AnnotationLabels, HaveTheAreaOfTheirPolygon) {
  std::mt19937 random(3);
  const auto draw = [&](double least, double most) {
    return std::uniform_real_distribution(least, most)(random);
  };
  for (int i = 0; i < 20; ++i) {
    Ring ring;
    const double radius = draw(300, 900), wobble = draw(0.01, 0.3), waves = std::round(draw(2, 9));
    for (int p = 0; p < 500; ++p) {
      const double angle = p * std::numbers::pi / 250;
      const double r = radius * (1 + wobble * std::sin(waves * angle));
      ring.push_back({1300 + r * std::cos(angle), 1250 + r * std::sin(angle)});
    }
    const Polygon polygon{ring, {Box(1250.3, 1200.2, 1280.9, 1290)}};
    const auto rows = OpenAnnotationLabels(Drawn({{.class_name = "a", .name = "", .polygons = {polygon}}}),
                                           Rules(), WholeSlide(2600, 2500));
    const std::vector<uint8_t> labels = ReadAll(rows.get());
    const auto pixels = static_cast<double>(std::count(labels.begin(), labels.end(), 1));
    EXPECT_NEAR(pixels / Area(polygon), 1, 1e-3);
  }
}

TEST(AnnotationLabels, NameTheClassesWithoutARule) {
  try {
    OpenAnnotationLabels(Drawn({{.class_name = "Tumour", .name = ""},
                                {.class_name = "", .name = ""},
                                {.class_name = "Tumour", .name = ""}}),
                         Rules(), WholeSlide(8, 2));
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_THAT(e.what(), HasSubstr("no class (1 area), 'Tumour' (2 areas); known: 'a', 'b'"));
  }
}

TEST(AnnotationLabels, OfAnotherSlideAreRefused) {
  const auto drawn = Drawn({{.class_name = "a", .name = "", .polygons = {{Box(90, 1, 95, 3), {}}}}});
  OpenAnnotationLabels(drawn, Rules(), WholeSlide(91, 9));
  try {
    OpenAnnotationLabels(drawn, Rules(), WholeSlide(90, 9));
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    EXPECT_THAT(e.what(), HasSubstr("every area lies outside of the slide, 90x9 px"));
  }
}

/// A million vertices, in memory of a hundred bytes each, and in seconds.
TEST(AnnotationLabels, OfAMillionVertices) {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> shift(-4, 4);
  std::vector<Annotation> areas;
  for (int i = 0; i < 20000; ++i) {
    const Point centre{i % 200 * 50 + 25 + shift(random), i / 200 * 50 + 25 + shift(random)};
    Ring ring;
    for (int p = 0; p < 50; ++p) {
      const double angle = p * std::numbers::pi / 25;
      ring.push_back({centre.x + 20 * std::cos(angle), centre.y + 20 * std::sin(angle)});
    }
    areas.push_back({.class_name = i % 2 ? "a" : "b", .name = "", .polygons = {{ring, {}}}});
  }
  const auto rows = OpenAnnotationLabels(Drawn(std::move(areas)), Rules(), WholeSlide(10000, 5000));
  EXPECT_LT(rows->buffer_bytes(), 100'000'000);
  const std::vector<uint8_t> labels = ReadAll(rows.get());
  const double disc = 25 * 20 * 20 * std::sin(std::numbers::pi / 25);
  EXPECT_NEAR(static_cast<double>(std::count(labels.begin(), labels.end(), 1)), 10000 * disc,
              10000 * disc * 1e-3);
}

}  // namespace
}  // namespace swath
