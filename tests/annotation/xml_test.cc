/// The formats in XML.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <string>

#include "swath/annotation.h"
#include "swath/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class XmlAnnotations : public testing::Test {
 protected:
  Annotations Read(const std::string& text, const SlideInfo* slide = nullptr) {
    test::WriteFile(folder_.File("a.xml"), text);
    return ReadAnnotations(folder_.File("a.xml"), slide);
  }
  std::string Message(const std::string& text, const SlideInfo* slide = nullptr) {
    try {
      Read(text, slide);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
};

TEST_F(XmlAnnotations, OfAsapAreInTheirOrder) {
  const Annotations read = Read(R"(<?xml version="1.0"?><ASAP_Annotations><Annotations>
    <Annotation Name="A 0" Type="Polygon" PartOfGroup="Tumor" Color="#F4fa58"><Coordinates>
      <Coordinate Order="2" X="4" Y="3.5"/><Coordinate Order="0" X="1" Y="2"/>
      <Coordinate Order="1" X="3" Y="2"/></Coordinates></Annotation>
    <Annotation Name="A 1" Type="Dot" PartOfGroup="None" Color="#000000"><Coordinates>
      <Coordinate Order="0" X="1" Y="2"/></Coordinates></Annotation>
    <Annotation Name="A 2" Type="Rectangle" PartOfGroup="None" Color="red"><Coordinates>
      <Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="2" Y="0"/>
      <Coordinate Order="2" X="2" Y="2"/><Coordinate Order="3" X="0" Y="2"/></Coordinates></Annotation>
    </Annotations><AnnotationGroups><Group Name="Tumor" PartOfGroup="None" Color="#64FE2E"><Attributes/></Group>
    </AnnotationGroups></ASAP_Annotations>)");
  EXPECT_EQ(read.format, "ASAP XML");
  ASSERT_EQ(read.areas.size(), 2u);
  EXPECT_EQ(read.areas[0].class_name, "Tumor");
  EXPECT_EQ(read.areas[0].name, "A 0");
  EXPECT_EQ(read.areas[0].colour, (std::array<uint8_t, 3>{0xf4, 0xfa, 0x58}));
  EXPECT_THAT(read.areas[0].polygons.at(0).outer, ElementsAre(Point{1, 2}, Point{3, 2}, Point{4, 3.5}));
  EXPECT_EQ(read.areas[1].class_name, "");
  EXPECT_EQ(read.areas[1].colour, std::nullopt);
  EXPECT_THAT(read.without_area, ElementsAre(std::pair("point", 1)));
}

TEST_F(XmlAnnotations, OfImageScopeHaveLayersEllipsesAndNegativeRegions) {
  const auto region = [](const std::string& attributes, const std::string& vertices) {
    return "<Region " + attributes + "><Vertices>" + vertices + "</Vertices></Region>";
  };
  const auto vertex = [](double x, double y) {
    return "<Vertex X=\"" + std::to_string(x) + "\" Y=\"" + std::to_string(y) + "\" Z=\"0\"/>";
  };
  const std::string box = vertex(0, 0) + vertex(100, 0) + vertex(100, 50) + vertex(0, 50);
  const std::string small = vertex(10, 10) + vertex(20, 10) + vertex(20, 20);
  const Annotations read = Read(
      "<Annotations MicronsPerPixel=\"0.25\"><Annotation Id=\"1\" Name=\"\" LineColor=\"65280\">"
      "<Attributes><Attribute Name=\"CaP\" Id=\"0\" Value=\"\"/></Attributes><Regions>" +
      region("Type=\"0\" NegativeROA=\"0\" Text=\"left\"", box) +
      region("Type=\"0\" NegativeROA=\"1\"", small) + region("Type=\"3\"", box) +
      "</Regions></Annotation><Annotation Id=\"2\" Name=\"\" LineColor=\"255\"><Attributes>"
      "<Attribute Name=\"Description\" Value=\"\"/></Attributes><Regions>" +
      region("Type=\"2\" NegativeROA=\"0\"", vertex(10, 20) + vertex(30, 120)) +
      "</Regions></Annotation></Annotations>");
  EXPECT_EQ(read.format, "ImageScope XML");
  ASSERT_EQ(read.areas.size(), 2u);
  EXPECT_EQ(read.areas[0].class_name, "CaP");
  EXPECT_EQ(read.areas[0].name, "left");
  EXPECT_EQ(read.areas[0].colour, (std::array<uint8_t, 3>{0, 255, 0}));
  EXPECT_EQ(Area(read.areas[0].polygons.at(0)), 5000 - 50);
  EXPECT_EQ(read.areas[1].class_name, "layer 2");
  EXPECT_EQ(read.areas[1].colour, (std::array<uint8_t, 3>{255, 0, 0}));
  EXPECT_NEAR(Area(read.areas[1].polygons.at(0)), std::numbers::pi * 10 * 50, 1e-6);
  EXPECT_THAT(read.without_area, ElementsAre(std::pair("line", 1)));
}

TEST_F(XmlAnnotations, NegativeRegionsOfImageScopeAreHolesWhereTheyAre) {
  const auto square = [](const std::string& attributes, int x, int side) {
    std::string vertices;
    for (const auto& [dx, dy] : {std::pair(0, 0), {1, 0}, {1, 1}, {0, 1}})
      vertices +=
          "<Vertex X=\"" + std::to_string(x + dx * side) + "\" Y=\"" + std::to_string(dy * side) + "\"/>";
    return "<Region " + attributes + "><Vertices>" + vertices + "</Vertices></Region>";
  };
  const Annotations read = Read("<Annotations><Annotation Id=\"1\" Name=\"a\"><Regions>" +
                                square("Type=\"0\"", 0, 10) + square("Type=\"0\"", 50, 10) +
                                square("NegativeROA=\"1\"", 52, 3) + "</Regions></Annotation></Annotations>");
  ASSERT_EQ(read.areas.size(), 2u);
  EXPECT_EQ(Area(read.areas[0].polygons.at(0)), 100);
  EXPECT_EQ(Area(read.areas[1].polygons.at(0)), 100 - 9);
}

constexpr char kNdpa[] = R"(<?xml version="1.0" encoding="utf-8"?><annotations>
  <ndpviewstate id="1"><title>Tumor</title>
    <annotation type="freehand" displayname="AnnotateFreehand" color="#ff0000"><closed>1</closed><pointlist>
      <point><x>-1000</x><y>-2000</y></point><point><x>0</x><y>-2000</y></point>
      <point><x>0</x><y>0</y></point></pointlist></annotation></ndpviewstate>
  <ndpviewstate id="2"><title>mitosis</title>
    <annotation type="circle" displayname="AnnotateCircle" color="#00ff00"><x>500</x><y>1000</y>
      <radius>5000</radius></annotation></ndpviewstate>
  <ndpviewstate id="3"><title>here</title><annotation type="pin" color="#00ff00"><x>5</x><y>6</y></annotation>
  </ndpviewstate></annotations>)";

TEST_F(XmlAnnotations, OfNdpViewLieAroundTheSlidesCentre) {
  SlideInfo slide{.path = "a.ndpi", .levels = {{.width = 1000, .height = 600}}, .mpp_x = 0.5, .mpp_y = 0.25};
  EXPECT_THAT(Message(kNdpa), HasSubstr("the slide has to be given"));
  EXPECT_THAT(Message(kNdpa, &slide), HasSubstr("a.ndpi does not say"));
  slide.centre_offset = {{500, 1000}};
  const Annotations read = Read(kNdpa, &slide);
  EXPECT_EQ(read.format, "NDPA");
  ASSERT_EQ(read.areas.size(), 2u);
  EXPECT_EQ(read.areas[0].class_name, "Tumor");
  EXPECT_THAT(read.areas[0].polygons.at(0).outer,
              ElementsAre(Point{497, 288}, Point{499, 288}, Point{499, 296}));
  EXPECT_EQ(read.areas[1].class_name, "mitosis");
  EXPECT_NEAR(Area(read.areas[1].polygons.at(0)), std::numbers::pi * 10 * 20, 1e-6);
  EXPECT_THAT(read.without_area, ElementsAre(std::pair("point", 1)));
}

TEST_F(XmlAnnotations, SayWhatIsWrongAndWhere) {
  EXPECT_THAT(Message("<ASAP_Annotations>\n<Annotations>"), HasSubstr("a.xml:2: not well-formed XML"));
  EXPECT_THAT(Message("<html></html>"), HasSubstr("outermost element is <html>"));
  EXPECT_THAT(Message("<ASAP_Annotations>\n<Annotation Type=\"Polygon\">\n"
                      "<Coordinate Order=\"0\" X=\"1,5\" Y=\"2\"/></Annotation></ASAP_Annotations>"),
              HasSubstr("a.xml:3: X: expected a number, found '1,5'"));
  EXPECT_THAT(Message("<ASAP_Annotations><Annotation Type=\"Polygon\"><Coordinate Order=\"0\" X=\"1\"/>"
                      "</Annotation></ASAP_Annotations>"),
              HasSubstr("expected an attribute Y, found none"));
  EXPECT_THAT(Message("<Annotations><Annotation><Region><Vertex X=\"nan\" Y=\"1\"/></Region></Annotation>"
                      "</Annotations>"),
              HasSubstr("X: expected a number, found 'nan'"));
}

}  // namespace
}  // namespace swath
