#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "swath/annotation.h"
#include "swath/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Annotations Read(const TemporaryFolder& folder, const std::string& text) {
  test::WriteFile(folder.File("a.geojson"), text);
  return ReadAnnotations(folder.File("a.geojson"));
}

std::string Message(const TemporaryFolder& folder, const std::string& text) {
  try {
    Read(folder, text);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

constexpr char kSquare[] = R"({"type":"Polygon","coordinates":[[[0,0],[4,0],[4,4],[0,4],[0,0]]]})";

std::string FeatureOf(const std::string& properties) {
  return std::string(R"({"type":"Feature","properties":)") + properties + R"(,"geometry":)" + kSquare + "}";
}

TEST(GeoJson, IsACollectionAnArrayAFeatureOrAGeometry) {
  const TemporaryFolder folder;
  const std::string feature = FeatureOf("null");
  for (const std::string& text :
       {R"({"type":"FeatureCollection","features":[)" + feature + "]}", "[" + feature + "]", feature,
        std::string(kSquare), "\xef\xbb\xbf \n" + feature}) {
    SCOPED_TRACE(text);
    const Annotations read = Read(folder, text);
    EXPECT_EQ(read.format, "GeoJSON");
    ASSERT_EQ(read.areas.size(), 1u);
    EXPECT_EQ(read.areas[0].class_name, "");
    ASSERT_EQ(read.areas[0].polygons.size(), 1u);
    EXPECT_THAT(read.areas[0].polygons[0].outer,
                ElementsAre(Point{0, 0}, Point{4, 0}, Point{4, 4}, Point{0, 4}));
  }
  EXPECT_TRUE(Read(folder, R"({"type":"FeatureCollection","features":[]})").areas.empty());
  EXPECT_TRUE(Read(folder, "[]").areas.empty());
}

/// As the versions of QuPath have written classes, and others do.
TEST(GeoJson, HasClasses) {
  const TemporaryFolder folder;
  const auto area = [&](const std::string& properties) {
    return Read(folder, FeatureOf(properties)).areas.at(0);
  };
  const Annotation now = area(R"({"classification":{"name":"Tumor","color":[200,0,7]},"name":"left"})");
  EXPECT_EQ(now.class_name, "Tumor");
  EXPECT_EQ(now.name, "left");
  EXPECT_EQ(now.colour, (std::array<uint8_t, 3>{200, 0, 7}));
  const Annotation before = area(R"({"classification":{"name":"Tumor","colorRGB":-3670016}})");
  EXPECT_EQ(before.colour, (std::array<uint8_t, 3>{200, 0, 0}));
  EXPECT_EQ(area(R"({"classification":{"names":["Tumor","Positive"]}})").class_name, "Tumor: Positive");
  EXPECT_EQ(area(R"({"classification":"Stroma"})").class_name, "Stroma");
  EXPECT_EQ(area(R"({"name":"UT","color":[255,0,0]})").class_name, "UT");
  EXPECT_EQ(area(R"({"classification":null})").class_name, "");
}

TEST(GeoJson, HasHolesPartsAndAThirdCoordinate) {
  const TemporaryFolder folder;
  const Annotations read = Read(folder, R"({"type":"MultiPolygon","coordinates":[
    [[[0,0,5],[8,0,5],[8,8,5],[0,8,5],[0,0,5]], [[2,2,5],[2,4,5],[4,4,5],[4,2,5],[2,2,5]]],
    [[[10.5,0],[11.5,0],[11.5,2],[10.5,2],[10.5,0]]]]})");
  ASSERT_EQ(read.areas.size(), 1u);
  ASSERT_EQ(read.areas[0].polygons.size(), 2u);
  EXPECT_EQ(read.areas[0].polygons[0].holes.size(), 1u);
  EXPECT_EQ(Area(read.areas[0].polygons[0]), 60);
  EXPECT_EQ(Area(read.areas[0].polygons[1]), 2);
}

TEST(GeoJson, CountsWhatHasNoArea) {
  const TemporaryFolder folder;
  const auto feature = [](const std::string& geometry) {
    return R"({"type":"Feature","properties":{},"geometry":)" + geometry + "}";
  };
  const Annotations read = Read(
      folder, "[" + feature(R"({"type":"Point","coordinates":[1,2]})") + "," +
                  feature(R"({"type":"LineString","coordinates":[[1,2],[3,4]]})") + "," + feature("null") +
                  "," + feature(R"({"type":"Polygon","coordinates":[[[1,1],[2,2],[1,1]]]})") + "]");
  EXPECT_TRUE(read.areas.empty());
  EXPECT_THAT(read.without_area, ElementsAre(std::pair("empty outline", 1), std::pair("line", 1),
                                             std::pair("no geometry", 1), std::pair("point", 1)));
}

TEST(GeoJson, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_THAT(Message(folder, R"({"type":"Feature","geo)"), HasSubstr("not JSON: parse error at line 1"));
  EXPECT_THAT(Message(folder, R"({"positive":[],"negative":[]})"),
              HasSubstr("not GeoJSON: expected a FeatureCollection, features in an array, a Feature or a "
                        "geometry, found object with 'negative', 'positive'"));
  EXPECT_THAT(Message(folder, "[" + FeatureOf("{}") + R"(,{"type":"Feature","properties":{}}])"),
              HasSubstr("feature 2: expected a member 'geometry'"));
  EXPECT_THAT(Message(folder, R"({"type":"Polygon","coordinates":[[[1,2],[3,"4"],[5,6]]]})"),
              HasSubstr(R"(expected a position [x, y], found [3,"4"])"));
  EXPECT_THAT(Message(folder, R"({"type":"Polygon","coordinates":[[[1,2],[3,1e999],[5,6]]]})"),
              HasSubstr("not JSON"));
  EXPECT_THAT(Message(folder, R"({"type":"Polygon","coordinates":[[[1,2],[3,-1e308],[5,6]]]})"),
              HasSubstr("expected coordinates of at most 1000000000 px, found (3, -1e+308)"));
  EXPECT_THAT(Message(folder, R"({"type":"Circle","coordinates":[1,2]})"), HasSubstr("of type 'Circle'"));
  // However deep something is nested.
  std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_THAT(Message(folder, R"({"type":"Polygon","coordinates":)" + deep + "}"),
              HasSubstr("expected a position [x, y], found [array]"));
  deep.clear();
  for (int i = 0; i < 50000; ++i) deep += R"({"type":"GeometryCollection","geometries":[)";
  for (int i = 0; i < 50000; ++i) deep += "]}";
  EXPECT_THAT(Message(folder, deep), HasSubstr("in a GeometryCollection one of type 'GeometryCollection'"));
  EXPECT_THAT(Message(folder, "a,b"), HasSubstr("expected annotations in JSON or XML"));
  EXPECT_THAT(Message(folder, ""), HasSubstr("expected annotations in JSON or XML"));
}

TEST(GeoJson, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  Annotations drawn;
  drawn.areas.push_back(
      {.class_name = "Tumor \"a\"",
       .name = "ö",
       .colour = std::array<uint8_t, 3>{1, 2, 255},
       .polygons = {{{{0, 0}, {10, 0.1}, {1.0 / 3, 12345678.25}}, {{{1, 1}, {2, 1}, {1, 2}}}},
                    {{{5, 5}, {6, 5}, {6, 6}}, {}}}});
  drawn.areas.push_back({.class_name = "", .name = "", .polygons = {{{{-3, 1}, {4, 1}, {4, 4}}, {}}}});
  WriteGeoJson(drawn, folder.File("b.geojson"));
  const Annotations read = ReadAnnotations(folder.File("b.geojson"));
  ASSERT_EQ(read.areas.size(), 2u);
  EXPECT_EQ(read.areas[0].class_name, drawn.areas[0].class_name);
  EXPECT_EQ(read.areas[0].name, drawn.areas[0].name);
  EXPECT_EQ(read.areas[0].colour, drawn.areas[0].colour);
  EXPECT_EQ(read.areas[0].polygons.size(), 2u);
  EXPECT_EQ(read.areas[0].polygons[0].outer, drawn.areas[0].polygons[0].outer);
  EXPECT_EQ(Area(read.areas[0].polygons[0]), Area(drawn.areas[0].polygons[0]));
  // Once more, the file is the same: rings already run as the standard wants.
  WriteGeoJson(read, folder.File("c.geojson"));
  EXPECT_EQ(test::ReadFile(folder.File("b.geojson")), test::ReadFile(folder.File("c.geojson")));
  EXPECT_THAT(test::ReadFile(folder.File("b.geojson")), HasSubstr("[-3,1]"));
}

/// As QuPath does it.
TEST(GeoJson, CountsFromTheBoundsOfASlide) {
  const TemporaryFolder folder;
  SlideInfo slide;
  slide.levels = {{.width = 1000, .height = 800}};
  slide.bounds = {300, 200, 500, 400};
  Annotations drawn;
  drawn.areas.push_back(
      {.class_name = "a", .name = "", .polygons = {{{{310, 220}, {311, 220}, {310, 221}}, {}}}});
  WriteGeoJson(drawn, folder.File("a.geojson"), GeoJsonOrigin(slide));
  EXPECT_THAT(ReadAnnotations(folder.File("a.geojson")).areas[0].polygons[0].outer,
              testing::UnorderedElementsAre(Point{10, 20}, Point{11, 20}, Point{10, 21}));
  EXPECT_THAT(ReadAnnotations(folder.File("a.geojson"), &slide).areas[0].polygons[0].outer,
              testing::UnorderedElementsAre(Point{310, 220}, Point{311, 220}, Point{310, 221}));
  slide.bounds = {0, 200, 1000, 400};  // as wide as the slide: QuPath does not cut it
  EXPECT_EQ(GeoJsonOrigin(slide), Point{});
}

TEST(GeoJson, AFileThatCannotBeWrittenIsNamed) {
  try {
    WriteGeoJson({}, "/nowhere/a.geojson");
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kOutput);
    EXPECT_THAT(e.what(), HasSubstr("/nowhere/a.geojson"));
  }
}

}  // namespace
}  // namespace swath
