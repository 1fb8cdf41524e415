#include "swath/heat_map.h"

#include <gtest/gtest.h>

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
  HeatMap map(kWidth, kHeight, 10);
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
          x == 3 && y == 1 ? std::vector<int>{252, 255, 164} : std::vector<int>{225, 219, 233};
      EXPECT_EQ(Cell(picture, x, y), expected) << x << ", " << y;
    }
  }
}

TEST(HeatMap, WeightsBetweenLieBetweenTheColours) {
  test::MemoryImage slide = White(kWidth, kHeight);
  // A third of the way is the second colour, magenta, at a cover of 0.15 + 1.2 / 3.
  EXPECT_EQ(Cell(Picture(85, slide), 3, 1),
            (std::vector<int>{int(0.45 * 255 + 0.55 * 187), int(0.45 * 255 + 0.55 * 55),
                              int(0.45 * 255 + 0.55 * 84)}));
}

TEST(HeatMap, TheSlideMayBeOfAnotherSize) {
  test::MemoryImage slide = White(3 * kWidth, 3 * kHeight), small = White(kWidth, kHeight);
  EXPECT_EQ(Picture(200, slide), Picture(200, small));
}

TEST(HeatMap, IsNoLargerThanItsMap) {
  EXPECT_EQ(HeatMap(7, 9).width(), 7);
  EXPECT_EQ(HeatMap(100000, 50000).width(), 1024);
  EXPECT_EQ(HeatMap(50000, 100000).width(), 512);
  EXPECT_EQ(HeatMap(1, 100000).width(), 1);
}

TEST(HeatMap, SaysWhereItCannotWrite) {
  test::MemoryImage slide = White(kWidth, kHeight);
  HeatMap map(kWidth, kHeight, 10);
  const std::vector<uint8_t> row(kWidth);
  for (int64_t y = 0; y < kHeight; ++y) map.AddRow(row.data());
  EXPECT_THROW(map.Write(slide, "/nowhere/map.png"), Error);
}

}  // namespace
}  // namespace swath
