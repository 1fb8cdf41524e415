#include "swath/heat_map.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "swath/error.h"
#include "tests/output/read_png.h"
#include "tests/support/memory_image.h"
#include "tests/support/temporary_folder.h"

namespace swath {
namespace {

constexpr int64_t kWidth = 40, kHeight = 20;

test::MemoryImage White(int64_t width, int64_t height) {
  return {width, height, 3, std::vector<uint8_t>(static_cast<size_t>(width * height * 3), 255)};
}

/// The picture, 10 x 5 px, of weights that are 0 but for one pixel in cell (3, 1).
std::vector<uint8_t> Picture(uint8_t weight, RowSource& slide) {
  const TemporaryFolder folder;
  HeatMap map(kWidth, kHeight, kWidth, kHeight, 10);
  EXPECT_EQ(map.width(), 10);
  std::vector<uint8_t> row(kWidth);
  for (int64_t y = 0; y < kHeight; ++y) {
    row[13] = y == 6 ? weight : 0;
    map.AddRow(row.data());
  }
  map.Write(slide, folder.File("map.png"));
  EXPECT_EQ(folder.Count(), 1);
  return test::ReadPng(folder.File("map.png"), PNG_FORMAT_RGB);
}

std::vector<int> Cell(const std::vector<uint8_t>& picture, int64_t x, int64_t y) {
  const auto first = picture.begin() + (y * 10 + x) * 3;
  return {first, first + 3};
}

TEST(HeatMap, TheSmallestSpotIsSeen) {
  test::MemoryImage slide = White(kWidth, kHeight);
  const std::vector<uint8_t> picture = Picture(255, slide);
  ASSERT_EQ(picture.size(), 10u * 5 * 3);
  for (int64_t y = 0; y < 5; ++y) {
    for (int64_t x = 0; x < 10; ++x) {
      // A veil of 15 % of dark purple over white; the brightest yellow hides the slide.
      const std::vector<int> expected =
          x == 3 && y == 1 ? std::vector<int>{252, 255, 164} : std::vector<int>{226, 219, 233};
      EXPECT_EQ(Cell(picture, x, y), expected) << x << ", " << y;
    }
  }
}

TEST(HeatMap, WeightsBetweenLieBetweenTheColours) {
  test::MemoryImage slide = White(kWidth, kHeight);
  // A third of the way is the second colour, magenta, at a cover of 0.15 + 1.2 / 3.
  EXPECT_EQ(Cell(Picture(85, slide), 3, 1), (std::vector<int>{218, 145, 161}));
}

TEST(HeatMap, TheSlideMayBeOfAnotherSize) {
  test::MemoryImage slide = White(3 * kWidth, 3 * kHeight), small = White(kWidth, kHeight);
  EXPECT_EQ(Picture(200, slide), Picture(200, small));
}

TEST(HeatMap, ASlideIsGreyBelowItsWeights) {
  std::vector<uint8_t> red(size_t{kWidth * kHeight * 3}, 0);
  for (size_t i = 0; i < red.size(); i += 3) red[i] = 255;
  test::MemoryImage slide(kWidth, kHeight, 3, std::move(red));
  const double grey = 0.85 * 0.299 * 255;
  EXPECT_EQ(Cell(Picture(255, slide), 0, 0),
            (std::vector<int>{int(std::lround(grey + 0.15 * 60)), int(std::lround(grey + 0.15 * 15)),
                              int(std::lround(grey + 0.15 * 110))}));
}

TEST(HeatMap, IsNoLargerThanTheSlide) {
  EXPECT_EQ(HeatMap(7, 9, 7, 9).width(), 7);
  EXPECT_EQ(HeatMap(100000, 50000, 100000, 50000).width(), 1024);
  EXPECT_EQ(HeatMap(50000, 100000, 50000, 100000).width(), 512);
  EXPECT_EQ(HeatMap(1, 100000, 1, 100000).width(), 1);
}

TEST(HeatMap, ACoarseMapIsDrawnAtTheSlidesSize) {
  const TemporaryFolder folder;
  test::MemoryImage slide = White(9, 5);
  HeatMap map(4, 2, 9, 5);
  ASSERT_EQ(map.width(), 9);
  const std::array<uint8_t, 4> nothing{}, second{0, 255, 0, 0};
  map.AddRow(nothing.data());
  map.AddRow(second.data());
  map.Write(slide, folder.File("map.png"));
  const std::vector<uint8_t> picture = test::ReadPng(folder.File("map.png"), PNG_FORMAT_RGB);
  ASSERT_EQ(picture.size(), 9u * 5 * 3);
  // The weight lies on columns 2.25 to 4.5 and rows 2.5 to 5.
  for (size_t y = 0; y < 5; ++y) {
    for (size_t x = 0; x < 9; ++x)
      EXPECT_EQ(picture[(y * 9 + x) * 3 + 2] == 164, y >= 2 && x >= 2 && x <= 4) << x << ", " << y;
  }
}

TEST(HeatMap, SaysWhereItCannotWrite) {
  test::MemoryImage slide = White(kWidth, kHeight);
  HeatMap map(kWidth, kHeight, kWidth, kHeight, 10);
  const std::vector<uint8_t> row(kWidth);
  for (int64_t y = 0; y < kHeight; ++y) map.AddRow(row.data());
  EXPECT_THROW(map.Write(slide, "/nowhere/map.png"), Error);
}

}  // namespace
}  // namespace swath
