#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <vector>

#include "swath/error.h"
#include "swath/otsu.h"
#include "swath/synth.h"

namespace swath {
namespace {

constexpr SynthOptions kOdd = {.width = 701, .height = 903, .seed = 5, .index = 2};

std::vector<uint8_t> ReadAll(RowSource& source, int64_t rows_at_once) {
  std::vector<uint8_t> pixels(source.width() * source.height() * source.channels());
  for (int64_t y = 0; y < source.height(); y += rows_at_once) {
    source.Read({y, std::min(y + rows_at_once, source.height())},
                pixels.data() + y * source.width() * source.channels());
  }
  return pixels;
}

TEST(SynthSlide, HasTheSizeAskedFor) {
  const SynthSlide slide(kOdd);
  EXPECT_EQ(slide.Image()->width(), 701);
  EXPECT_EQ(slide.Image()->height(), 903);
  EXPECT_EQ(slide.Image()->channels(), 3);
  EXPECT_EQ(slide.Mask(4)->width(), 176);
  EXPECT_EQ(slide.Mask(4)->height(), 226);
  EXPECT_EQ(slide.Mask()->channels(), 1);
}

TEST(SynthSlide, IsTheSameForAnyThreadsAndChunks) {
  SynthOptions threaded = kOdd;
  threaded.threads = 3;
  const std::vector<uint8_t> expected = ReadAll(*SynthSlide(kOdd).Image(), 903);
  EXPECT_EQ(ReadAll(*SynthSlide(threaded).Image(), 903), expected);
  EXPECT_EQ(ReadAll(*SynthSlide(kOdd).Image(), 1), expected);
  EXPECT_EQ(ReadAll(*SynthSlide(threaded).Image(), 100), expected);
}

TEST(SynthSlide, IsTheSameInAnyOrder) {
  const std::unique_ptr<RowSource> image = SynthSlide(kOdd).Image();
  const std::vector<uint8_t> expected = ReadAll(*image, 64);
  const std::unique_ptr<RowSource> clone = image->Clone();
  std::vector<uint8_t> row(3 * 701);
  for (const int64_t y : {902, 0, 640, 63, 64, 639, 1}) {
    clone->Read({y, y + 1}, row.data());
    EXPECT_TRUE(std::equal(row.begin(), row.end(), expected.begin() + y * 3 * 701)) << y;
  }
}

TEST(SynthSlide, ChangesWithSeedAndIndex) {
  const std::vector<uint8_t> one = ReadAll(*SynthSlide(kOdd).Image(), 64);
  SynthOptions other = kOdd;
  other.seed = 6;
  EXPECT_NE(ReadAll(*SynthSlide(other).Image(), 64), one);
  other = kOdd;
  other.index = 3;
  EXPECT_NE(ReadAll(*SynthSlide(other).Image(), 64), one);
  EXPECT_EQ(ReadAll(*SynthSlide(kOdd).Image(), 64), one);
}

TEST(SynthSlide, ASmallerMaskIsTheFullOneAtItsCentres) {
  const SynthSlide slide(kOdd);
  const std::vector<uint8_t> full = ReadAll(*slide.Mask(), 64);
  for (const int64_t downsample : {3, 4, 100}) {
    const std::unique_ptr<RowSource> mask = slide.Mask(downsample);
    const std::vector<uint8_t> small = ReadAll(*mask, 7);
    for (int64_t y = 0; y < mask->height(); ++y) {
      for (int64_t x = 0; x < mask->width(); ++x) {
        const int64_t column = std::min<int64_t>(x * downsample + downsample / 2, 700);
        const int64_t row = std::min<int64_t>(y * downsample + downsample / 2, 902);
        ASSERT_EQ(small[y * mask->width() + x], full[row * 701 + column]);
      }
    }
  }
}

// Every slide of every seed has to be a fair task: neither empty nor full, and beyond a threshold.
TEST(SynthSlide, EverySlideHasTissueThatAThresholdMisses) {
  double sum = 0;
  constexpr int64_t kSlides = 24;
  for (int64_t i = 0; i < kSlides; ++i) {
    const SynthSlide slide({.width = 1024, .height = 1024, .seed = static_cast<uint64_t>(i), .index = i % 3});
    const std::vector<uint8_t> mask = ReadAll(*slide.Mask(), 64);
    const std::vector<uint8_t> rgb = ReadAll(*slide.Image(), 64);
    const double tissue = std::accumulate(mask.begin(), mask.end(), 0.0) / static_cast<double>(mask.size());
    EXPECT_GT(tissue, 0.25) << i;
    EXPECT_LT(tissue, 0.60) << i;
    SaturationTally tally;
    tally.Add(rgb.data(), mask.data(), static_cast<int64_t>(mask.size()));
    sum += tally.overlap().dice();
  }
  EXPECT_LT(sum / kSlides, 0.9);
}

/// A texture in a disc of tissue, and nothing else.
TEST(Needle, CoversItsShareOfTheTissueAndLeavesTheRest) {
  constexpr double kShare = 0.01;
  SynthOptions options = {.width = 1201, .height = 1503, .seed = 5};
  const std::vector<uint8_t> without = ReadAll(*SynthSlide(options).Image(), 64),
                             mask = ReadAll(*SynthSlide(options).Mask(), 64);
  options.needle = kShare;
  const SynthSlide slide(options);
  ASSERT_TRUE(slide.needle());
  const std::vector<uint8_t> with = ReadAll(*slide.Image(), 100);
  EXPECT_EQ(ReadAll(*slide.Mask(), 64), mask);
  const Needle& needle = *slide.needle();
  double changed = 0, tissue = 0, difference = 0;
  for (int64_t y = 0; y < options.height; ++y) {
    for (int64_t x = 0; x < options.width; ++x) {
      const int64_t at = y * options.width + x, dx = x - needle.x, dy = y - needle.y;
      const bool inside = dx * dx + dy * dy <= needle.radius * needle.radius;
      tissue += mask[at];
      changed += inside;
      if (inside) {
        EXPECT_EQ(mask[at], 1) << "off the tissue";
        difference += std::abs(with[3 * at] - without[3 * at]);
      } else {
        ASSERT_TRUE(std::equal(with.begin() + 3 * at, with.begin() + 3 * at + 3, without.begin() + 3 * at));
      }
    }
  }
  EXPECT_NEAR(changed / tissue, kShare, 0.1 * kShare);
  EXPECT_GT(difference / changed, 20) << "hardly to be seen at full size";
}

TEST(Needle, IsNotSeenWhereEightPixelsAreOne) {
  SynthOptions options = {.width = 1200, .height = 1504, .seed = 5};
  const std::vector<uint8_t> without = ReadAll(*SynthSlide(options).Image(), 64);
  options.needle = 0.01;
  const SynthSlide slide(options);
  const std::vector<uint8_t> with = ReadAll(*slide.Image(), 64);
  const Needle& needle = *slide.needle();
  int64_t blocks = 0;
  double sum = 0;
  for (int64_t top = 0; top < options.height; top += 8) {
    for (int64_t left = 0; left < options.width; left += 8) {
      const int64_t dx = std::abs(left + 4 - needle.x) + 4, dy = std::abs(top + 4 - needle.y) + 4;
      if (dx * dx + dy * dy > needle.radius * needle.radius) continue;  // not wholly inside
      double change = 0;
      for (int64_t y = top; y < top + 8; ++y) {
        for (int64_t i = 3 * left; i < 3 * (left + 8); ++i)
          change += (with[y * 3 * options.width + i] - without[y * 3 * options.width + i]) / 192.0;
      }
      sum += change;
      EXPECT_LT(std::abs(change), 3) << "of a contrast of 28";
      ++blocks;
    }
  }
  ASSERT_GT(blocks, 20);
  EXPECT_LT(std::abs(sum / static_cast<double>(blocks)), 0.5);
}

TEST(Needle, IsAnotherInEverySlideAndTheSameEveryTime) {
  SynthOptions options = {.width = 1200, .height = 1504, .seed = 5, .needle = 0.01};
  const Needle one = *SynthSlide(options).needle(), again = *SynthSlide(options).needle();
  EXPECT_EQ(one.x, again.x);
  EXPECT_EQ(one.y, again.y);
  options.index = 1;
  const Needle other = *SynthSlide(options).needle();
  EXPECT_TRUE(one.x != other.x || one.y != other.y);
  options.needle = 0.9;
  EXPECT_THROW(SynthSlide{options}, Error) << "no tissue is that wide";
}

TEST(SynthSlide, ReadsRowsFarDownAVeryTallSlide) {
  const SynthSlide slide({.width = 128, .height = 4'000'000, .seed = 1});
  std::vector<uint8_t> row(3 * 128);
  slide.Image()->Read({3'999'999, 4'000'000}, row.data());
  EXPECT_GT(*std::max_element(row.begin(), row.end()), 0);
}

TEST(SynthSlide, RefusesATinySize) { EXPECT_THROW(SynthSlide({.width = 63, .height = 900}), Error); }

}  // namespace
}  // namespace swath
