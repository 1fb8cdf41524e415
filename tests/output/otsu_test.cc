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

/// 7 x 5 px: columns 0-2 grey, 3-6 red.
MemoryImage TwoColours() {
  std::vector<uint8_t> pixels;
  for (int64_t i = 0; i < 35; ++i) {
    const bool red = i % 7 >= 3;
    for (const int v : {200, red ? 20 : 200, red ? 20 : 200}) pixels.push_back(static_cast<uint8_t>(v));
  }
  return MemoryImage(7, 5, 3, std::move(pixels));
}

TEST(OtsuMask, SeparatesTwoColoursInAnyReadOrder) {
  MemoryImage image = TwoColours();
  const std::unique_ptr<RowSource> mask = OtsuMask(image);
  ASSERT_EQ(mask->channels(), 1);
  for (const Range rows : {Range{2, 5}, Range{0, 5}, Range{4, 5}}) {
    std::vector<uint8_t> labels(7 * rows.size());
    mask->Read(rows, labels.data());
    for (size_t i = 0; i < labels.size(); ++i) EXPECT_EQ(labels[i], i % 7 >= 3 ? 1 : 0) << i;
  }
}

TEST(OtsuMask, RefusesGrey) {
  MemoryImage grey(2, 2, 1, {1, 2, 3, 4});
  EXPECT_THROW(OtsuMask(grey), Error);
}

TEST(SaturationTally, AgreesWithMaskAndComparison) {
  MemoryImage image = TwoColours();
  std::vector<uint8_t> labels;
  for (int i = 0; i < 35; ++i) labels.push_back(static_cast<uint8_t>(i % 7 >= 2 ? 1 : 0));
  std::vector<uint8_t> rgb(3 * 35);
  image.Read({0, 5}, rgb.data());
  SaturationTally first;
  SaturationTally second;
  first.Add(rgb.data(), labels.data(), 20);
  second.Add(rgb.data() + 60, labels.data() + 20, 15);
  first.Add(second);
  EXPECT_DOUBLE_EQ(first.overlap().dice(), 2.0 * 4 / (4 + 5));
  MemoryImage truth_source(7, 5, 1, labels);
  EXPECT_DOUBLE_EQ(CompareMasks(*OtsuMask(image), truth_source).dice(), first.overlap().dice());
}

TEST(CompareMasks, ReadsASmallerMaskAtTheNearestCentresAndLeavesOutIgnoredPixels) {
  // 5 x 4 px against 3 x 2: columns map to 0 0 1 2 2, rows to 0 0 1 1.
  MemoryImage predicted(5, 4, 1, {1, 1, 1, 0, 0,  //
                                  1, 0, 1, 0, 0,  //
                                  0, 0, 0, 1, 1,  //
                                  0, 0, 0, 1, 1});
  MemoryImage truth(3, 2, 1, {1, 255, 0, 0, 0, 1});
  const MaskOverlap overlap = CompareMasks(predicted, truth);
  EXPECT_EQ(overlap.truth, 4 + 4);
  EXPECT_EQ(overlap.predicted, 3 + 4);
  EXPECT_EQ(overlap.both, 3 + 4);
}

TEST(CompareMasks, RefusesAMaskOfAnotherShape) {
  MemoryImage predicted(8, 8, 1, std::vector<uint8_t>(64));
  MemoryImage truth(4, 2, 1, std::vector<uint8_t>(8));
  try {
    CompareMasks(predicted, truth);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInput);
    EXPECT_THAT(error.what(), testing::HasSubstr("4 x 2"));
  }
}

TEST(MaskOverlap, TwoEmptyMasksAgree) { EXPECT_EQ(MaskOverlap{}.dice(), 1); }

}  // namespace
}  // namespace swath
