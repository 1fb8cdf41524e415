#include "swath/otsu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "swath/error.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

using test::MemoryImage;

TEST(Saturation, IsThatOfHsv) {
  EXPECT_EQ(Saturation(0, 0, 0), 0);
  EXPECT_EQ(Saturation(90, 90, 90), 0);
  EXPECT_EQ(Saturation(255, 0, 0), 255);
  EXPECT_EQ(Saturation(200, 100, 150), 127);
  EXPECT_EQ(Saturation(7, 200, 100), Saturation(100, 7, 200));
}

/// Equation 18 of the paper, from scratch for every threshold.
double VarianceBetween(const Histogram& histogram, int threshold) {
  double n[2] = {};
  double sum[2] = {};
  for (int i = 0; i < 256; ++i) {
    n[i > threshold] += static_cast<double>(histogram[i]);
    sum[i > threshold] += static_cast<double>(i) * static_cast<double>(histogram[i]);
  }
  if (n[0] == 0 || n[1] == 0) return 0;
  const double difference = sum[0] / n[0] - sum[1] / n[1];
  return n[0] * n[1] * difference * difference;
}

TEST(OtsuThreshold, MaximisesTheVarianceBetweenClasses) {
  Histogram histogram{};
  for (int i = 0; i < 256; ++i) histogram[i] = (i * 7919) % 101 + (i < 80 ? 400 : 0) + (i > 180 ? 250 : 0);
  const int chosen = OtsuThreshold(histogram);
  for (int t = 0; t < 255; ++t)
    EXPECT_LE(VarianceBetween(histogram, t), VarianceBetween(histogram, chosen)) << t;
}

TEST(OtsuThreshold, TakesTheMiddleOfAGap) {
  Histogram histogram{};
  histogram[20] = 1000;
  histogram[120] = 10;
  EXPECT_EQ(OtsuThreshold(histogram), (20 + 119) / 2);
}

TEST(OtsuThreshold, IsZeroWithoutTwoValues) {
  Histogram histogram{};
  EXPECT_EQ(OtsuThreshold(histogram), 0);
  histogram[200] = 5;
  EXPECT_EQ(OtsuThreshold(histogram), 0);
}

TEST(SaturationTally, AddsUpWhatGoesBy) {
  // 35 pixels: of every seven the first three are grey, the others red.
  std::vector<uint8_t> rgb, labels;
  for (int i = 0; i < 35; ++i) {
    const bool red = i % 7 >= 3;
    for (const int v : {200, red ? 20 : 200, red ? 20 : 200}) rgb.push_back(static_cast<uint8_t>(v));
    labels.push_back(i % 7 >= 2 ? 1 : 0);
  }
  SaturationTally first;
  SaturationTally second;
  first.Add(rgb.data(), labels.data(), 20);
  second.Add(rgb.data() + 60, labels.data() + 20, 15);
  first.Add(second);
  EXPECT_DOUBLE_EQ(first.overlap().dice(), 2.0 * 4 / (4 + 5));
}

TEST(SaturationTally, LeavesOutIgnoredPixels) {
  const std::vector<uint8_t> rgb = {200, 200, 200, 200, 20, 20, 200, 20, 20}, labels = {0, kIgnoredLabel, 1};
  SaturationTally tally;
  tally.Add(rgb.data(), labels.data(), 3);
  EXPECT_EQ(tally.overlap().predicted, 1);
  EXPECT_EQ(tally.overlap().truth, 1);
}

}  // namespace
}  // namespace swath
