#include "viewer/annotation_layer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "swath/class_colour.h"

namespace swath::viewer {
namespace {

using nlohmann::json;

Annotation Square(const std::string& class_name, double x, double y, double side) {
  return {.class_name = class_name,
          .name = "\"" + class_name + "\"",
          .polygons = {{{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}}, {}}}};
}

View All(double pixel) { return {{{0, 0}, {1000, 1000}}, pixel}; }

TEST(AnnotationLayer, GivesClassesColours) {
  Annotation coloured = Square("b", 0, 0, 10);
  coloured.colour = {1, 2, 3};
  const AnnotationLayer layer({.areas = {Square("a", 0, 0, 10), coloured, Square("a", 50, 0, 10)}});
  ASSERT_EQ(layer.classes().size(), 2u);
  EXPECT_EQ(layer.classes()[0].colour, ClassColour(1));
  EXPECT_EQ(layer.classes()[0].areas, 2);
  EXPECT_EQ(layer.classes()[1].colour, (std::array<uint8_t, 3>{1, 2, 3}));
}

TEST(AnnotationLayer, GivesOutlinesInView) {
  Annotation holed = Square("a", 100, 100, 100);
  holed.polygons[0].holes.push_back({{120, 120}, {140, 120}, {140, 140}});
  const AnnotationLayer layer({.areas = {holed, Square("b", 5000, 0, 100)}});
  EXPECT_EQ(json::parse(layer.Seen(All(1))),
            json::parse(R"({"areas":[[0,"\"a\"",[100,100,200,100,200,200,100,200],[120,120,140,120,140,140]]],
                            "dots":[[],[]]})"));
  EXPECT_EQ(json::parse(layer.Seen({{{400, 400}, {500, 500}}, 1}))["areas"], json::array());
}

TEST(AnnotationLayer, MakesDotsOfWhatIsTooSmall) {
  const AnnotationLayer layer(
      {.areas = {Square("a", 10, 10, 4), Square("a", 12, 12, 4), Square("a", 800, 10, 4)}});
  const json seen = json::parse(layer.Seen(All(20)));
  EXPECT_EQ(seen["areas"], json::array());
  EXPECT_EQ(seen["dots"], json::parse("[[12,12,802,12]]"));  // the first two share a pixel of the screen
  EXPECT_EQ(json::parse(layer.Seen(All(1)))["areas"].size(), 3u);
}

TEST(AnnotationLayer, GivesNoMorePointsThanCanBeSeen) {
  Annotation round{.class_name = "a", .polygons = {{}}};
  constexpr int kPoints = 100000;
  for (int i = 0; i < kPoints; ++i) {
    const double angle = 2 * 3.14159265358979 * i / kPoints;
    round.polygons[0].outer.push_back({500 + 400 * std::cos(angle), 500 + 400 * std::sin(angle)});
  }
  const AnnotationLayer layer({.areas = {round}});
  const auto points = [&](const View& view) {
    return json::parse(layer.Seen(view))["areas"][0][2].size() / 2;
  };
  EXPECT_LT(points(All(1)), 4000u);
  EXPECT_LT(points(All(10)), 400u);
  // Close up, what is out of view is left out though it would have detail; the view's part is there.
  const View close{{{890, 490}, {910, 510}}, 0.02};
  EXPECT_LT(points(close), 3000u);
  EXPECT_GT(points(close), 200u);
}

}  // namespace
}  // namespace swath::viewer
