#include "tissue/morphology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace swath {
namespace {

TissueMap RandomMap(int64_t width, int64_t height, uint32_t seed, uint32_t one_of) {
  TissueMap map{.width = width, .height = height};
  std::mt19937 random(seed);
  for (int64_t i = 0; i < width * height; ++i) map.cells.push_back(random() % one_of == 0);
  return map;
}

TEST(Spread, ReachesAllCellsWithinTheRadius) {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    const int64_t width = 1 + seed % 13, height = 1 + seed % 7, radius = seed % 4;
    const uint8_t value = seed % 2;
    const TissueMap before = RandomMap(width, height, seed, 2 + seed % 9);
    TissueMap after = before;
    Spread(value, radius, &after);
    for (int64_t y = 0; y < height; ++y) {
      for (int64_t x = 0; x < width; ++x) {
        bool near = false;
        for (int64_t j = std::max<int64_t>(0, y - radius); j <= std::min(height - 1, y + radius); ++j) {
          for (int64_t i = std::max<int64_t>(0, x - radius); i <= std::min(width - 1, x + radius); ++i)
            near = near || before.cells[static_cast<size_t>(j * width + i)] == value;
        }
        EXPECT_EQ(after.cells[static_cast<size_t>(y * width + x)] == value, near)
            << "map " << seed << ", " << x << ", " << y;
      }
    }
  }
}

TissueMap Drawn(const std::vector<std::string>& rows) {
  TissueMap map{.width = static_cast<int64_t>(rows[0].size()), .height = static_cast<int64_t>(rows.size())};
  for (const std::string& row : rows) {
    for (const char c : row) map.cells.push_back(c == '#');
  }
  return map;
}

TEST(RemoveSmall, LeavesWhatIsLargeEnough) {
  TissueMap map = Drawn({"##..#",  //
                         "#..##",  //
                         "....#",  //
                         "#.#.#"});
  RemoveSmall(1, 3, &map);
  EXPECT_EQ(map.cells, Drawn({"##..#", "#..##", "....#", "....#"}).cells);
  // Only sides connect, not corners.
  TissueMap diagonal = Drawn({"#.", ".#"});
  RemoveSmall(1, 2, &diagonal);
  EXPECT_EQ(diagonal.count(), 0);
}

TEST(RemoveSmall, FillsHoles) {
  TissueMap map = Drawn({"#####",  //
                         "#.#..",  //
                         "###..",  //
                         "....."});
  RemoveSmall(0, 2, &map);
  EXPECT_EQ(map.cells, Drawn({"#####", "###..", "###..", "....."}).cells);
}

}  // namespace
}  // namespace swath
