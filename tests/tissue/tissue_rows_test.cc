/// Tissue by rows, whatever part of the slide an image shows, at whatever size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "swath/tissue.h"

namespace swath {
namespace {

TEST(TissueRows, AreWhatTheCellsAre) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("map " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto draw = [&](int64_t least, int64_t most) {
      return least + static_cast<int64_t>(random() % static_cast<uint64_t>(most - least + 1));
    };
    auto tissue = std::make_shared<TissueMap>(TissueMap{.width = draw(1, 9), .height = draw(1, 9)});
    for (int64_t i = 0; i < tissue->width * tissue->height; ++i)
      tissue->cells.push_back(static_cast<uint8_t>(draw(0, 1)));
    ImagePlace place{.slide_width = draw(20, 90), .slide_height = draw(20, 90)};
    place.region = {draw(0, 15), draw(0, 15), 0, 0};
    place.region.width = draw(1, place.slide_width - place.region.x);
    place.region.height = draw(1, place.slide_height - place.region.y);
    // Larger than level 0, smaller, and smaller than the cells.
    place.width = draw(1, 2 * place.region.width);
    place.height = draw(1, 2 * place.region.height);
    const auto rows = TissueRows(tissue, place);
    std::vector<uint8_t> read(static_cast<size_t>(place.width * place.height));
    rows->Clone()->Read({0, place.height}, read.data());
    for (int64_t y = 0; y < place.height; ++y) {
      for (int64_t x = 0; x < place.width; ++x) {
        const auto cell = [](int64_t pixel, int64_t size, int64_t begin, int64_t length, int64_t whole,
                             int64_t cells) {
          const double centre = static_cast<double>(begin) + (static_cast<double>(pixel) + 0.5) *
                                                                 static_cast<double>(length) /
                                                                 static_cast<double>(size);
          return std::min(cells - 1, static_cast<int64_t>(std::floor(centre * static_cast<double>(cells) /
                                                                     static_cast<double>(whole))));
        };
        const int64_t column = cell(x, place.width, place.region.x, place.region.width, place.slide_width,
                                    tissue->width),
                      row = cell(y, place.height, place.region.y, place.region.height, place.slide_height,
                                 tissue->height);
        const size_t i = static_cast<size_t>(y * place.width + x);
        const bool is_tissue = tissue->cells[static_cast<size_t>(row * tissue->width + column)] != 0;
        ASSERT_EQ(read[i], is_tissue ? 255 : 0) << x << ", " << y;
      }
    }
  }
}

}  // namespace
}  // namespace swath
