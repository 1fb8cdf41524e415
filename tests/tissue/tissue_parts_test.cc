#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "swath/tissue.h"

namespace swath {
namespace {

/// Some blots, at random places.
TissueMap RandomTissue(int64_t width, int64_t height, std::mt19937* random) {
  TissueMap map{.width = width, .height = height};
  map.cells.resize(static_cast<size_t>(width * height));
  const auto draw = [&](int64_t below) {
    return static_cast<int64_t>((*random)() % static_cast<uint64_t>(below));
  };
  for (int64_t blots = 1 + draw(5); blots > 0; --blots) {
    const int64_t x = draw(width), y = draw(height), w = 1 + draw(width / 4 + 1),
                  h = 1 + draw(height / 4 + 1);
    for (int64_t j = y; j < std::min(height, y + h); ++j) {
      for (int64_t i = x; i < std::min(width, x + w); ++i) map.cells[static_cast<size_t>(j * width + i)] = 1;
    }
  }
  return map;
}

ImagePlace WholeSlide(int64_t width, int64_t height) {
  return {.width = width,
          .height = height,
          .slide_width = width,
          .slide_height = height,
          .region = {0, 0, width, height}};
}

TEST(PartsOfTissue, HoldAllOfItAndDoNotOverlap) {
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("map " + std::to_string(seed));
    std::mt19937 random(seed);
    const int64_t width = 50 + seed * 7, height = 30 + seed * 11, halo = 1 + seed % 60,
                  multiple = 1 + seed % 5;
    const auto tissue = std::make_shared<TissueMap>(RandomTissue(1 + seed % 37, 1 + seed % 53, &random));
    ImagePlace place = WholeSlide(width, height);
    if (seed % 3 == 0) place.region = {width / 4, height / 3, width / 2, height / 2};  // seen enlarged
    const std::vector<Part> parts = PartsOfTissue(*tissue, place, halo, multiple);
    std::vector<int> covered(static_cast<size_t>(width * height));
    double cost = 0;
    for (const Part& part : parts) {
      ASSERT_GT(part.pixels(), 0);
      ASSERT_EQ(Overlap(part, {{0, height}, {0, width}}), part);
      EXPECT_EQ(part.rows.begin % multiple, 0);
      EXPECT_EQ(part.columns.begin % multiple, 0);
      cost += static_cast<double>((part.rows.size() + halo) * (part.columns.size() + halo));
      for (int64_t y = part.rows.begin; y < part.rows.end; ++y) {
        for (int64_t x = part.columns.begin; x < part.columns.end; ++x)
          ++covered[static_cast<size_t>(y * width + x)];
      }
    }
    EXPECT_LE(cost, static_cast<double>((height + halo) * (width + halo)));
    std::vector<uint8_t> read(static_cast<size_t>(width * height));
    TissueRows(tissue, place)->Read({0, height}, read.data());
    for (size_t i = 0; i < read.size(); ++i) {
      ASSERT_LE(covered[i], 1);
      ASSERT_TRUE(read[i] == 0 || covered[i] == 1) << "pixel " << i;
    }
  }
}

TEST(PartsOfTissue, AreCutWhereThatPays) {
  // Two pieces in opposite corners.
  TissueMap tissue{.width = 100, .height = 100};
  for (int64_t y = 0; y < 100; ++y) {
    for (int64_t x = 0; x < 100; ++x) tissue.cells.push_back((x < 20 && y < 20) || (x >= 80 && y >= 80));
  }
  const std::vector<Part> parts = PartsOfTissue(tissue, WholeSlide(10000, 10000), 300, 64);
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0], (Part{{0, 2048}, {0, 2048}}));
  EXPECT_EQ(parts[1].rows.end, 10000);
  EXPECT_LE(parts[1].rows.begin, 8000);
  EXPECT_GE(parts[1].rows.begin, 7800);
  // Where a pixel needs all of the image, two parts are two images.
  EXPECT_EQ(PartsOfTissue(tissue, WholeSlide(10000, 10000), 20000, 64).size(), 1u);
  EXPECT_TRUE(PartsOfTissue({.width = 2, .height = 1, .cells = {0, 0}}, WholeSlide(64, 32), 8, 1).empty());
}

}  // namespace
}  // namespace swath
