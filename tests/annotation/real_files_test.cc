/// Annotations that other programs wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "swath/annotation.h"
#include "swath/error.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class RealAnnotations : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Path(""))) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  }
  static std::string Path(const std::string& name) {
    return std::string(SWATH_SHARED_DATA) + "/annotations/" + name;
  }
  static int64_t Vertices(const Annotations& annotations) {
    int64_t count = 0;
    for (const Annotation& area : annotations.areas) {
      for (const Polygon& polygon : area.polygons) count += static_cast<int64_t>(polygon.outer.size());
    }
    return count;
  }
};

TEST_F(RealAnnotations, OfQuPath) {
  const Annotations read = ReadAnnotations(Path("qupath05.geojson"));
  ASSERT_EQ(read.areas.size(), 3u);
  EXPECT_THAT(read.Classes(), ElementsAre("UT", "I"));
  EXPECT_EQ(read.areas[0].colour, (std::array<uint8_t, 3>{255, 0, 0}));
  EXPECT_EQ(read.areas[0].polygons.at(0).outer.front(), (Point{8909, 6277}));
  const Annotations old = ReadAnnotations(Path("geojson_example.json"));
  EXPECT_THAT(old.Classes(), ElementsAre("Tumor", "Invborder"));
  EXPECT_EQ(old.areas[1].colour, (std::array<uint8_t, 3>{0, 255, 0}));
}

TEST_F(RealAnnotations, InThreeDimensions) {
  const Annotations read = ReadAnnotations(Path("sample.geojson"));
  EXPECT_EQ(read.areas.size(), 10u);
  EXPECT_EQ(read.areas[0].polygons.at(0).outer.front(), (Point{8441, 18758}));
}

TEST_F(RealAnnotations, OfAsap) {
  const Annotations read = ReadAnnotations(Path("asap_dlup_example.xml"));
  ASSERT_EQ(read.areas.size(), 1u);
  EXPECT_EQ(read.areas[0].class_name, "healthy glands");
  EXPECT_EQ(Vertices(read), 9);
  const Annotations tumour = ReadAnnotations(Path("Tumor_086_asap.xml"));
  EXPECT_THAT(tumour.Classes(), ElementsAre("_0"));
  EXPECT_EQ(tumour.areas[0].polygons.at(0).outer.front(), (Point{50117, 78954}));
}

/// The file says of its regions how large they are.
TEST_F(RealAnnotations, OfImageScope) {
  const Annotations read = ReadAnnotations(Path("TCGA-EJ-5518-01Z-00-DX1.xml"));
  EXPECT_THAT(read.Classes(), ElementsAre("CaP", "layer 3", "layer 4"));
  EXPECT_NEAR(Area(read.areas[0].polygons.at(0)), 29046449.6, 0.05);
}

TEST_F(RealAnnotations, OfNdpView) {
  const SlideInfo slide{.path = "a.ndpi",
                        .levels = {{.width = 4000, .height = 6000}},
                        .mpp_x = 0.25,
                        .mpp_y = 0.25,
                        .centre_offset = {{0, 0}}};
  const Annotations read = ReadAnnotations(Path("annotations_mixed.ndpa"), &slide);
  ASSERT_EQ(read.areas.size(), 1u);
  EXPECT_EQ(read.areas[0].class_name, "Tumor");
  EXPECT_THAT(read.areas[0].polygons.at(0).outer,
              ElementsAre(Point{600, 1000}, Point{1000, 1000}, Point{1000, 1800}, Point{600, 1800}));
  EXPECT_EQ(read.without_area.at("line"), 1);
  EXPECT_EQ(read.without_area.at("point"), 1);
  EXPECT_EQ(read.without_area.at("'unknown'"), 1);
}

TEST_F(RealAnnotations, InAnotherFormAreRefusedWithAReason) {
  for (const char* name : {"Tumor_030.json", "Tumor_086.json", "Tumor_098.json"}) {
    try {
      ReadAnnotations(Path(name));
      FAIL() << "no error";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
      EXPECT_THAT(e.what(), HasSubstr("not GeoJSON: expected a FeatureCollection"));
    }
  }
}

}  // namespace
}  // namespace swath
