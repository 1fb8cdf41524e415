#include "viewer/tile_pyramid.h"

#include <gtest/gtest.h>

#include <set>

#include "swath/error.h"
#include "tests/slide/images.h"
#include "tests/support/whole_file.h"

namespace swath::viewer {
namespace {

using testing::Image;

constexpr int64_t kSide = 96;  // of the file's tiles: five of them make one of the pyramid's

Image ToImage(const Picture& picture) {
  return {picture.width, picture.height, picture.channels, picture.pixels};
}

/// What Slide gives for the part of a level that a tile shows.
Image FromSlide(const std::string& path, int level, const Region& region) {
  return testing::ReadAll(*Slide::Open(path)->OpenRows({.level = level, .region = region}));
}

class TilePyramidTest : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::vector<Image>& levels) {
    const std::string path = folder_ / name;
    testing::WriteTiff(path, levels, {.tile_width = kSide, .tile_height = kSide});
    return path;
  }

  testing::TempFolder folder_;
};

TEST_F(TilePyramidTest, GivesThePixelsOfTheSlide) {
  const Image image = testing::Noise(1001, 701, 3, 1);
  const Image half = testing::Noise(501, 351, 3, 2);  // not the average: it shows which level was read
  const std::string path = Write("a.tif", {image, half});
  const TilePyramid pyramid(OpenFormat(path), Pixels::kColour, Reduction::kMean);
  EXPECT_EQ(pyramid.tile_side(), 480);
  EXPECT_EQ(pyramid.levels(), 3);
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t column = 0; column < 3; ++column) {
      const int64_t x = column * 480, y = row * 480;
      const Region region{x, y, std::min<int64_t>(480, 1001 - x), std::min<int64_t>(480, 701 - y)};
      const Image tile = ToImage(pyramid.Read({0, column, row}));
      EXPECT_EQ(tile, FromSlide(path, 0, region));
      EXPECT_EQ(tile, testing::Crop(image, x, y, region.width, region.height));
    }
  }
  EXPECT_EQ(ToImage(pyramid.Read({1, 0, 0})), testing::Crop(half, 0, 0, 480, 351));
  EXPECT_EQ(ToImage(pyramid.Read({1, 1, 0})), FromSlide(path, 1, {960, 0, 41, 701}));
}

TEST_F(TilePyramidTest, AveragesWhatTheFileHasNoLevelFor) {
  const Image image = testing::Noise(1000, 700, 3, 1);
  const TilePyramid pyramid(OpenFormat(Write("a.tif", {image})), Pixels::kColour, Reduction::kMean);
  const Picture tile = pyramid.Read({1, 1, 0});
  ASSERT_EQ(tile.width, 20);
  ASSERT_EQ(tile.height, 350);
  for (int64_t y = 0; y < tile.height; ++y) {
    for (int64_t x = 0; x < tile.width; ++x) {
      const auto at = [&](int64_t dx, int64_t dy) { return int{image.at(2 * y + dy, 960 + 2 * x + dx, 1)}; };
      const int sum = at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1);
      ASSERT_EQ(tile.pixels[static_cast<size_t>((y * tile.width + x) * 3 + 1)], (sum + 2) / 4);
    }
  }
}

TEST_F(TilePyramidTest, HasNothingBeyondTheEdges) {
  const TilePyramid pyramid(OpenFormat(Write("a.tif", {testing::Noise(1000, 700, 3, 1)})), Pixels::kColour,
                            Reduction::kMean);
  EXPECT_TRUE(pyramid.Has({0, 2, 1}));
  EXPECT_TRUE(pyramid.Has({2, 0, 0}));
  for (const TileIndex tile :
       {TileIndex{0, 3, 0}, {0, 0, 2}, {0, -1, 0}, {0, 0, -1}, {2, 1, 0}, {3, 0, 0}, {-1, 0, 0}, {62, 0, 0}})
    EXPECT_FALSE(pyramid.Has(tile)) << tile.level << " " << tile.column << " " << tile.row;
}

TEST_F(TilePyramidTest, KeepsLabelsAsTheyAre) {
  Image labels = testing::Noise(1000, 700, 1, 1);
  for (uint8_t& label : labels.pixels) label = label < 100 ? 3 : 200;
  const TilePyramid pyramid(OpenLabelFormat(Write("mask.tif", {labels})), Pixels::kLabels,
                            Reduction::kNearest);
  const Picture tile = pyramid.Read({2, 0, 0});
  EXPECT_EQ(tile.width, 250);
  EXPECT_EQ(std::set<uint8_t>(tile.pixels.begin(), tile.pixels.end()), (std::set<uint8_t>{3, 200}));
}

TEST_F(TilePyramidTest, KeepsASmallCopyOfALargeImageWithoutLevels) {
  Image image{12000, 40, 3, std::vector<uint8_t>(12000 * 40 * 3, 0)};
  for (int64_t y = 0; y < 40; ++y) {
    for (int64_t x = 6000; x < 12000; ++x) image.at(y, x, 2) = 200;
  }
  const std::string png = folder_ / "a.png";  // decodes only from the top
  testing::WritePng(png, image);
  for (const std::string& path : {Write("a.tif", {image}), png}) {
    const TilePyramid pyramid(OpenFormat(path), Pixels::kColour, Reduction::kMean);
    const TileIndex last{pyramid.levels() - 1, 0, 0};
    for (int i = 0; i < 2; ++i) {
      const Picture tile = pyramid.Read(last);
      EXPECT_EQ(tile.width, 375);
      EXPECT_EQ(tile.pixels[2], 0);
      EXPECT_EQ(tile.pixels[3 * 374 + 2], 200);
    }
    EXPECT_EQ(ToImage(pyramid.Read({0, 12, 0})),
              testing::Crop(image, 12 * pyramid.tile_side(), 0, pyramid.tile_side(), 40));
    const Picture thumbnail = pyramid.Thumbnail(60);
    EXPECT_EQ(thumbnail.width, 60);
    EXPECT_EQ(thumbnail.height, 1);
    EXPECT_EQ(thumbnail.pixels[3 * 59 + 2], 200);
  }
}

TEST_F(TilePyramidTest, ThrowsWhereTheFileIsDamaged) {
  const std::string path = Write("a.tif", {testing::Noise(1000, 700, 3, 1)});
  testing::WriteTiff(path, {testing::Smooth(1000, 700, 3)},
                     {.tile_width = 256, .tile_height = 256, .compression = 7});
  std::string bytes = test::ReadFile(path);
  for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 2000; ++i) bytes[i] = '\x55';
  test::WriteFile(path, bytes);
  const TilePyramid pyramid(OpenFormat(path), Pixels::kColour, Reduction::kMean);
  int damaged = 0;
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t column = 0; column < 2; ++column) {
      try {
        pyramid.Read({0, column, row});
      } catch (const Error& e) {
        EXPECT_TRUE(std::string(e.what()).starts_with(path)) << e.what();
        ++damaged;
      }
    }
  }
  EXPECT_GE(damaged, 1);
  EXPECT_LT(damaged, 4);
}

}  // namespace
}  // namespace swath::viewer
