#include "output/ome_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swath {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(OmeXml, SaysSizeKindAndPlace) {
  const PyramidOptions pyramid = {
      .width = 300, .height = 20, .pixels = PyramidPixels::kFloat32, .mpp_x = 0.25, .mpp_y = 0.5};
  const std::string xml = OmeXml(pyramid, {.name = "slide", .channel = "tumour", .colour = {{0, 158, 115}}});
  EXPECT_THAT(xml, HasSubstr(R"(Type="float" SizeX="300" SizeY="20")"));
  EXPECT_THAT(xml, HasSubstr(R"(PhysicalSizeX="0.25" PhysicalSizeY="0.5")"));
  EXPECT_THAT(xml, HasSubstr(R"(Name="tumour" SamplesPerPixel="1" Color="10384383")"));
  EXPECT_THAT(xml, Not(HasSubstr("Annotation")));
}

TEST(OmeXml, LeavesOutWhatIsNotKnown) {
  EXPECT_THAT(
      OmeXml({.width = 1, .height = 1, .pixels = PyramidPixels::kLabels}, {.name = "", .channel = ""}),
      Not(testing::AnyOf(HasSubstr("Physical"), HasSubstr("Color"))));
}

TEST(OmeXml, NamesMayHoldAnything) {
  const std::string xml =
      OmeXml({.width = 1, .height = 1, .pixels = PyramidPixels::kLabels},
             {.name = "a<b>&\"\x01\xff\xc3\xa9\xed\xa0\x80", .channel = "", .labels = {"x", "\xe2"}});
  EXPECT_THAT(xml, HasSubstr(R"(Name="a&#60;b&#62;&#38;&#34;??&#233;???")"));
  EXPECT_THAT(xml, HasSubstr(R"(<M K="0">x</M><M K="1">?</M>)"));
}

}  // namespace
}  // namespace swath
