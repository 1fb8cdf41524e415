#include "viewer/overlay_map.h"

#include <gtest/gtest.h>
#include <png.h>

#include "output/ome_xml.h"
#include "swath/class_colour.h"
#include "swath/error.h"
#include "swath/heat_map.h"
#include "tests/slide/images.h"
#include "tests/support/whole_file.h"
#include "viewer/class_names.h"

namespace swath::viewer {
namespace {

using Kind = ResultFile::Kind;
using Colour = std::array<uint8_t, 4>;

/// RGBA of a PNG.
std::vector<Colour> Decode(const std::vector<uint8_t>& png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_memory(&image, png.data(), png.size()), 0);
  image.format = PNG_FORMAT_RGBA;
  std::vector<Colour> pixels(image.width * image.height);
  EXPECT_NE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr), 0);
  return pixels;
}

SlideInfo SlideOf(int64_t width, int64_t height) {
  SlideInfo info;
  info.levels.push_back({.width = width, .height = height});
  return info;
}

Colour Opaque(uint8_t label) {
  const auto [red, green, blue] = ClassColour(label);
  return {red, green, blue, 255};
}

class OverlayMapTest : public ::testing::Test {
 protected:
  /// A file of `values` in a row.
  std::string Write(const std::vector<uint8_t>& values) {
    const std::string path = folder_ / "map.png";
    testing::WritePng(path, {static_cast<int64_t>(values.size()), 1, 1, values});
    return path;
  }
  std::string ErrorOf(const ResultFile& file, const SlideInfo& slide) {
    try {
      OverlayMap(file, slide, {});
    } catch (const Error& e) {
      return e.what();
    }
    return "none";
  }

  testing::TempFolder folder_;
};

TEST_F(OverlayMapTest, ShowsALabelInItsColour) {
  const OverlayMap map({Write({0, 1, 5, 1})}, SlideOf(400, 100), {"background", "tumour"});
  ASSERT_TRUE(map.is_mask());
  ASSERT_EQ(map.classes().size(), 2u);
  EXPECT_EQ(map.classes()[0].name, "tumour");
  EXPECT_EQ(map.classes()[1].name, "label 5");
  EXPECT_EQ(map.classes()[1].label, 5);
  EXPECT_EQ(Decode(map.Tile({}, 1)), (std::vector<Colour>{{}, Opaque(1), {}, Opaque(1)}));
  EXPECT_EQ(Decode(map.Tile({}, 5)), (std::vector<Colour>{{}, {}, Opaque(5), {}}));
}

TEST_F(OverlayMapTest, ShowsProbabilitiesInTheColourOfTheirClass) {
  const OverlayMap map({Write({0, 128, 255}), Kind::kProbability, "", "stroma"}, SlideOf(3, 1),
                       {"background", "tumour", "stroma"});
  EXPECT_FALSE(map.is_mask());
  const auto [red, green, blue] = ClassColour(2);
  const std::vector<Colour> pixels = Decode(map.Tile({}, 0));
  EXPECT_EQ(pixels[0][3], 0);
  EXPECT_EQ(pixels[1], (Colour{red, green, blue, 128}));
  EXPECT_EQ(pixels[2], (Colour{red, green, blue, 255}));
}

TEST_F(OverlayMapTest, ShowsAttentionAsThePictureOfPredictDoes) {
  const OverlayMap map({Write({0, 255}), Kind::kAttention}, SlideOf(2, 1), {});
  EXPECT_TRUE(map.classes().empty());
  const Colour most = Decode(map.Tile({}, 0))[1];
  for (size_t c = 0; c < 3; ++c) EXPECT_EQ(most[c], HeatOf(1).colour[c]);
  EXPECT_EQ(most[3], 255);
}

TEST_F(OverlayMapTest, TellsShadesFromLabels) {
  std::vector<uint8_t> shades(256);
  for (size_t i = 0; i < shades.size(); ++i) shades[i] = static_cast<uint8_t>(i);
  EXPECT_FALSE(OverlayMap({Write(shades)}, SlideOf(256, 1), {}).is_mask());
  EXPECT_TRUE(OverlayMap({Write({0, 255})}, SlideOf(2, 1), {}).is_mask());
  EXPECT_TRUE(OverlayMap({Write(shades), Kind::kLabels}, SlideOf(256, 1), {}).is_mask());
}

TEST_F(OverlayMapTest, RefusesWhatDoesNotFit) {
  const std::string path = Write({0, 1, 0, 1});
  EXPECT_EQ(ErrorOf({path}, SlideOf(400, 300)),
            path + ": the map is 4x1, expected the proportions of the slide, 400x300");
  EXPECT_EQ(ErrorOf({path, Kind::kLabels, "", "", Region{0, 0, 400, 300}}, SlideOf(400, 300)),
            path + ": the map is 4x1, expected the proportions of the region, 400x300");
  EXPECT_EQ(ErrorOf({path, Kind::kLabels, "", "", Region{10, 0, 400, 100}}, SlideOf(400, 300)),
            path + ": is of the region 400x100 at (10, 0), the slide is 400x300");
  const std::string text = folder_ / "a_mask.tif";
  test::WriteFile(text, "no picture");
  EXPECT_EQ(ErrorOf({text}, SlideOf(400, 300)),
            text + ": a mask is a PNG, a TIFF or a .npy; this file is none of them");
}

TEST_F(OverlayMapTest, FindsTheNamesThatPredictWrites) {
  const PyramidOptions options{.width = 4, .height = 1, .pixels = PyramidPixels::kLabels};
  const std::vector<std::string> names = {"background", "tumour & more", "Stroma ä"};
  PyramidOptions described = options;
  described.description = OmeXml(options, {.name = "s", .channel = "class", .labels = names});
  const std::string path = folder_ / "s_mask.ome.tif";
  const std::vector<uint8_t> row = {0, 1, 2, 0};
  PyramidWriter writer(path, described);
  writer.WriteRows(row.data(), 1);
  writer.Finish();
  EXPECT_EQ(ClassNames(path), names);
  EXPECT_TRUE(ClassNames(Write({0, 1})).empty());
}

}  // namespace
}  // namespace swath::viewer
