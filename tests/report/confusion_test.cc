#include "report/confusion.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace swath {
namespace {

TEST(Confusion, CountsWhatIsNotIgnored) {
  Confusion confusion(3);
  const std::vector<uint8_t> labels = {0, 0, 1, 2, 255, 2, 1}, predicted = {0, 1, 1, 2, 2, 0, 1};
  confusion.AddRow(labels.data(), predicted.data(), 7, 255);
  EXPECT_EQ(confusion.Total(), 6);
  EXPECT_EQ(confusion.Count(0, 1), 1);
  EXPECT_EQ(confusion.True(1), 2);
  EXPECT_EQ(confusion.Predicted(1), 3);
  EXPECT_DOUBLE_EQ(confusion.Dice(1), 4.0 / 5);
  EXPECT_DOUBLE_EQ(confusion.Iou(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(confusion.Precision(1), 2.0 / 3);
  EXPECT_DOUBLE_EQ(confusion.Recall(2), 1.0 / 2);
  EXPECT_DOUBLE_EQ(confusion.Accuracy(), 4.0 / 6);
  Confusion sum = confusion;
  sum.Add(confusion);
  EXPECT_EQ(sum.Count(1, 1), 4);
  EXPECT_EQ(sum.Dice(1), confusion.Dice(1));
}

TEST(Confusion, KnowsWhatIsNotThere) {
  Confusion confusion(2);
  confusion.Add(0, 0, 10);
  EXPECT_EQ(confusion.Dice(1), 1) << "neither there nor predicted: as the loss has it";
  EXPECT_EQ(confusion.Iou(1), 1);
  EXPECT_TRUE(std::isnan(confusion.Precision(1)));
  EXPECT_TRUE(std::isnan(confusion.Recall(1)));
  confusion.Add(1, 0, 1);
  EXPECT_EQ(confusion.Dice(1), 0);
  EXPECT_EQ(confusion.Recall(1), 0);
}

TEST(Confusion, DiceAndIouSayTheSame) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 100; ++trial) {
    Confusion confusion(4);
    for (int64_t truth = 0; truth < 4; ++truth)
      for (int64_t predicted = 0; predicted < 4; ++predicted) confusion.Add(truth, predicted, random() % 50);
    for (int64_t c = 0; c < 4; ++c)
      EXPECT_NEAR(confusion.Iou(c), confusion.Dice(c) / (2 - confusion.Dice(c)), 1e-15);
  }
}

}  // namespace
}  // namespace swath
