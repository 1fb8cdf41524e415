/// Tissue of slides whose true mask is known, and of what scanners and pens do to them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <functional>

#include "swath/annotation.h"
#include "swath/error.h"
#include "swath/pyramid_writer.h"
#include "swath/synth.h"
#include "swath/tissue.h"
#include "tests/support/temporary_folder.h"

namespace swath {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kWidth = 3072, kHeight = 2048;
constexpr double kMpp = 1;

/// What becomes of a pixel of the slide.
using Change = std::function<void(int64_t x, int64_t y, uint8_t* rgb)>;

class FindTissueTest : public ::testing::Test {
 protected:
  std::string Write(uint64_t seed, const Change& change = {}) const {
    const std::string path = folder_.File("slide.tif");
    PyramidWriter writer(path, {.width = kWidth, .height = kHeight, .mpp_x = kMpp, .mpp_y = kMpp});
    const auto image = SynthSlide({.width = kWidth, .height = kHeight, .seed = seed}).Image();
    std::vector<uint8_t> row(kWidth * 3);
    for (int64_t y = 0; y < kHeight; ++y) {
      image->Read({y, y + 1}, row.data());
      for (int64_t x = 0; x < kWidth && change; ++x) change(x, y, row.data() + 3 * x);
      writer.WriteRows(row.data(), 1);
    }
    writer.Finish();
    return path;
  }

  struct Agreement {
    double dice = 0;
    double found = 0;  ///< share of the tissue
  };

  /// With the mask that the slide was made of.
  static Agreement Judge(const TissueMap& map, uint64_t seed) {
    const auto mask = SynthSlide({.width = kWidth, .height = kHeight, .seed = seed}).Mask();
    std::vector<uint8_t> row(kWidth);
    double both = 0, truth = 0, found = 0;
    for (int64_t y = 0; y < kHeight; ++y) {
      mask->Read({y, y + 1}, row.data());
      for (int64_t x = 0; x < kWidth; ++x) {
        const bool t = row[static_cast<size_t>(x)] != 0;
        const bool f =
            map.cells[static_cast<size_t>(y * map.height / kHeight * map.width + x * map.width / kWidth)] !=
            0;
        both += t && f;
        truth += t;
        found += f;
      }
    }
    return {.dice = 2 * both / (truth + found), .found = both / truth};
  }

  TemporaryFolder folder_;
};

/// Pools of stain, pen, dust, bubbles and coverslip edges are on these slides.
TEST_F(FindTissueTest, AgreesWithTheMasksOfSyntheticSlides) {
  for (const uint64_t seed : {3u, 4u, 5u, 6u}) {
    const TissueMap map = FindTissue(*Slide::Open(Write(seed)));
    EXPECT_EQ(map.width, kWidth / 8);
    const Agreement agreement = Judge(map, seed);
    std::printf("slide %d: Dice %.4f, %.4f of the tissue found\n", static_cast<int>(seed), agreement.dice,
                agreement.found);
    // The outline is outside of the tissue, on purpose: of a slide of 6 square millimetres that is some
    // hundredths.
    EXPECT_GT(agreement.dice, 0.9) << seed;
    EXPECT_GT(agreement.found, 0.98) << seed;
  }
}

/// Densities a third of what they were.
TEST_F(FindTissueTest, FindsPaleTissue) {
  const TissueMap map = FindTissue(*Slide::Open(Write(3, [](int64_t, int64_t, uint8_t* rgb) {
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(240 * std::pow(rgb[c] / 240.0, 1.0 / 3));
  })));
  EXPECT_GT(Judge(map, 3).found, 0.97);
}

/// On glass: strokes of 40 and of 300 um in four inks, a black frame as of a scanned edge, noise of a camera.
TEST_F(FindTissueTest, LeavesOutPensAndEdges) {
  const std::array<std::array<uint8_t, 3>, 4> inks = {
      {{30, 60, 170}, {20, 120, 60}, {190, 30, 40}, {40, 40, 42}}};
  const TissueMap map = FindTissue(*Slide::Open(Write(3, [&](int64_t x, int64_t y, uint8_t* rgb) {
    const int noise = static_cast<int>((x * 7919 + y * 104729) % 7) - 3;
    for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>(240 + noise);
    const int64_t stroke = y / 250, from_top = y % 250;
    if (stroke >= 1 && stroke <= 4 && x > 200 && x < 2800 && (from_top < 40 || (x > 2000 && x < 2300))) {
      for (size_t c = 0; c < 3; ++c) rgb[c] = inks[static_cast<size_t>(stroke - 1)][c];
    }
    if (x < 60 || y >= kHeight - 90) std::fill_n(rgb, 3, uint8_t{0});
  })));
  EXPECT_EQ(map.count(), 0);
}

TEST_F(FindTissueTest, IsReadAgainFromTheOutlinesThatItWrote) {
  const auto slide = Slide::Open(Write(4));
  const TissueMap map = FindTissue(*slide);
  Annotations drawn{.path = "drawn", .format = "GeoJSON"};
  // A rectangle a run of cells: what outlines of areas are drawn as is the tools' business.
  const double cell = static_cast<double>(kWidth) / static_cast<double>(map.width);
  for (int64_t y = 0; y < map.height; ++y) {
    for (int64_t x = 0, end = 0; x < map.width; x = end + 1) {
      end = x;
      while (end < map.width && map.cells[static_cast<size_t>(y * map.width + end)] != 0) ++end;
      if (end == x) continue;
      const double left = static_cast<double>(x) * cell, right = static_cast<double>(end) * cell,
                   top = static_cast<double>(y) * cell;
      drawn.areas.push_back(
          {.class_name = "Tissue",
           .name = {},
           .polygons = {{{{left, top}, {right, top}, {right, top + cell}, {left, top + cell}}, {}}}});
    }
  }
  // What is called so is taken away.
  drawn.areas.push_back({.class_name = "Ignore*",
                         .name = {},
                         .polygons = {{{{0, 0}, {kWidth, 0}, {kWidth, 800}, {0, 800}}, {}}}});
  const std::string path = folder_.File("drawn.geojson");
  WriteGeoJson(drawn, path);
  TissueMap expected = map;
  std::fill_n(expected.cells.begin(), 100 * map.width, uint8_t{0});
  EXPECT_EQ(ReadTissue(path, slide->info()).cells, expected.cells);
}

TEST_F(FindTissueTest, RefusesWhatItCannotJudge) {
  const auto message = [](const std::string& path, const SlideOptions& options = {}) -> std::string {
    try {
      FindTissue(*Slide::Open(path, options));
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
      return e.what();
    }
    return "nothing thrown";
  };
  EXPECT_THAT(message(Write(3), {.mpp = 20}), HasSubstr("expected pixels of 8 um or less"));
  EXPECT_THAT(message(Write(3,
                            [](int64_t, int64_t, uint8_t* rgb) {
                              for (int c = 0; c < 3; ++c) rgb[c] = static_cast<uint8_t>((255 - rgb[c]) / 2);
                            })),
              HasSubstr("expected tissue on bright glass"));
}

TEST(FindTissue, OfARealSlide) {
  const std::string path = std::string(SWATH_SHARED_DATA) + "/slides/CMU-1-Small-Region.svs";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is absent";
  const TissueMap map = FindTissue(*Slide::Open(path));
  // What a person would draw around: see docs/train-from-qupath.md.
  const double share = static_cast<double>(map.count()) / static_cast<double>(map.cells.size());
  EXPECT_GT(share, 0.38);
  EXPECT_LT(share, 0.48);
  const auto at = [&](double x, double y) {
    return map
        .cells[static_cast<size_t>(static_cast<int64_t>(y * static_cast<double>(map.height)) * map.width +
                                   static_cast<int64_t>(x * static_cast<double>(map.width)))];
  };
  EXPECT_EQ(at(0.5, 0.5), 1);   // epidermis
  EXPECT_EQ(at(0.3, 0.35), 1);  // the thin arm
  EXPECT_EQ(at(0.1, 0.7), 0);   // glass
  EXPECT_EQ(at(0.95, 0.2), 0);  // a fleck
}

}  // namespace
}  // namespace swath
