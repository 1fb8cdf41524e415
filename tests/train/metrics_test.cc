/// What is said of predictions of slides: areas under ROC curves, their intervals, one figure a loss.
#include "swath/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "train/slide_score.h"

namespace swath {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// By definition: all pairs.
double PairsWon(const std::vector<double>& scores, const std::vector<bool>& positive) {
  double won = 0, pairs = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    for (size_t j = 0; j < scores.size(); ++j) {
      if (!positive[i] || positive[j]) continue;
      won += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
      pairs += 1;
    }
  }
  return won / pairs;
}

TEST(AreaUnderRoc, IsTheShareOfPairsInOrder) {
  EXPECT_DOUBLE_EQ(AreaUnderRoc({0.1, 0.4, 0.35, 0.8}, {false, false, true, true}), 0.75);
  EXPECT_DOUBLE_EQ(AreaUnderRoc({1, 2, 3}, {false, true, true}), 1);
  EXPECT_DOUBLE_EQ(AreaUnderRoc({3, 2, 1}, {false, true, true}), 0);
  EXPECT_DOUBLE_EQ(AreaUnderRoc({2, 2, 2}, {false, true, true}), 0.5) << "ties count a half";
  std::mt19937 random(1);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<double> scores = {0, 0};
    std::vector<bool> positive = {false, true};
    for (size_t i = 0; i < random() % 20; ++i) {
      scores.push_back(static_cast<double>(random() % 5));
      positive.push_back(random() % 2 == 0);
    }
    EXPECT_NEAR(AreaUnderRoc(scores, positive), PairsWon(scores, positive), 1e-15);
  }
}

TEST(AreaUnderRoc, IsNoNumberWithoutBothKinds) {
  EXPECT_TRUE(std::isnan(AreaUnderRoc({}, {})));
  EXPECT_TRUE(std::isnan(AreaUnderRoc({1, 2}, {true, true})));
  EXPECT_TRUE(std::isnan(AreaUnderRoc({1, 2}, {false, false})));
  EXPECT_TRUE(std::isnan(BootstrapRoc({1, 2}, {true, true}, 10, 1).low));
}

TEST(BootstrapRoc, HoldsTheAreaAndFollowsFromTheSeed) {
  std::mt19937 random(2);
  std::normal_distribution<double> normal;
  std::vector<double> scores;
  std::vector<bool> positive;
  for (int i = 0; i < 60; ++i) {
    positive.push_back(i % 3 == 0);
    scores.push_back(normal(random) + (positive.back() ? 1.5 : 0));
  }
  const double area = AreaUnderRoc(scores, positive);
  const Interval one = BootstrapRoc(scores, positive, 500, 7), same = BootstrapRoc(scores, positive, 500, 7),
                 other = BootstrapRoc(scores, positive, 500, 8);
  EXPECT_LT(one.low, area);
  EXPECT_GT(one.high, area);
  EXPECT_GT(one.high - one.low, 0.05);
  EXPECT_LT(one.high - one.low, 0.4);
  EXPECT_EQ(one.low, same.low);
  EXPECT_EQ(one.high, same.high);
  EXPECT_TRUE(one.low != other.low || one.high != other.high);
  const Interval sure = BootstrapRoc({1, 2, 3, 4}, {false, false, true, true}, 100, 1);
  EXPECT_EQ(sure.low, 1) << "whatever is drawn, all positives are above";
  EXPECT_EQ(sure.high, 1);
}

/// The standard error of Hanley & McNeil (1982) for that area and those numbers of slides, twice.
TEST(BootstrapRoc, IsAsWideAsTheFormulaSays) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> scores;
  std::vector<bool> positive;
  for (int i = 0; i < 400; ++i) {
    positive.push_back(i % 2 == 0);
    scores.push_back(normal(random) + (positive.back() ? 1 : 0));
  }
  const double a = AreaUnderRoc(scores, positive), n = 200, q1 = a / (2 - a), q2 = 2 * a * a / (1 + a);
  const double error = std::sqrt((a * (1 - a) + (n - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (n * n));
  const Interval interval = BootstrapRoc(scores, positive, 1000, 1);
  EXPECT_NEAR((interval.high - interval.low) / (2 * 1.96 * error), 1, 0.15);
}

/// That of the mean of normal values, whose standard error is known.
TEST(Bootstrap, IsAsWideAsTheStandardErrorSays) {
  std::mt19937 random(4);
  std::normal_distribution<double> normal(5, 2);
  std::vector<double> values;
  for (int i = 0; i < 200; ++i) values.push_back(normal(random));
  const auto mean = [&](const std::vector<size_t>& drawn) {
    double sum = 0;
    for (const size_t i : drawn) sum += values[i];
    return sum / static_cast<double>(drawn.size());
  };
  const Interval interval = Bootstrap(values.size(), 2000, 1, mean), same = Bootstrap(200, 2000, 1, mean);
  EXPECT_NEAR((interval.high - interval.low) / (2 * 1.96 * 2 / std::sqrt(200.0)), 1, 0.15);
  EXPECT_EQ(interval.low, same.low);
  EXPECT_EQ(interval.high, same.high);
}

TEST(Bootstrap, SaysNothingWhereThereIsNothingToSay) {
  const auto size = [](const std::vector<size_t>& drawn) { return static_cast<double>(drawn.size()); };
  EXPECT_TRUE(std::isnan(Bootstrap(0, 100, 1, size).low));
  EXPECT_TRUE(std::isnan(Bootstrap(1, 100, 1, size).high)) << "one slide says nothing of others";
  EXPECT_EQ(Bootstrap(2, 100, 1, size).low, 2);
  EXPECT_TRUE(std::isnan(Bootstrap(5, 100, 1, [](const auto&) { return kUnknown; }).low));
}

TEST(RocCurve, HasTheAreaOfItsPairs) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> scores = {0, 0};
    std::vector<bool> positive = {false, true};
    for (size_t i = 0; i < random() % 20; ++i) {
      scores.push_back(static_cast<double>(random() % 5));
      positive.push_back(random() % 2 == 0);
    }
    const std::vector<RocPoint> curve = RocCurve(scores, positive);
    double area = 0;
    for (size_t i = 1; i < curve.size(); ++i) {
      area += (curve[i].false_positives - curve[i - 1].false_positives) *
              (curve[i].true_positives + curve[i - 1].true_positives) / 2;
    }
    EXPECT_NEAR(area, AreaUnderRoc(scores, positive), 1e-12);
    EXPECT_EQ(curve.back().false_positives, 1);
    EXPECT_EQ(curve.back().true_positives, 1);
  }
  EXPECT_TRUE(RocCurve({1, 2}, {true, true}).empty());
}

/// Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
TEST(WilsonInterval, IsThatOfTheTables) {
  EXPECT_NEAR(WilsonInterval(81, 263).low, 0.2553, 5e-5);
  EXPECT_NEAR(WilsonInterval(81, 263).high, 0.3662, 5e-5);
  EXPECT_NEAR(WilsonInterval(15, 148).low, 0.0624, 5e-5);
  EXPECT_NEAR(WilsonInterval(15, 148).high, 0.1605, 5e-5);
  EXPECT_EQ(WilsonInterval(0, 20).low, 0);
  EXPECT_NEAR(WilsonInterval(0, 20).high, 0.1611, 5e-5);
  EXPECT_NEAR(WilsonInterval(1, 29).low, 0.0061, 5e-5);
  EXPECT_NEAR(WilsonInterval(1, 29).high, 0.1718, 5e-5);
  EXPECT_TRUE(std::isnan(WilsonInterval(0, 0).low));
}

TEST(SlideScore, IsTheFigureOfItsLoss) {
  const Score accuracy = SlideScore(SlideLossKind::kCrossEntropy,
                                    {{1, 3, 2}, {5, 0, 0}, {0, 0, 1}, {0, 1, 0}}, {{1}, {0}, {2}, {0}});
  EXPECT_EQ(accuracy.name, "accuracy");
  EXPECT_DOUBLE_EQ(accuracy.value, 0.75);

  const Score rmse = SlideScore(SlideLossKind::kMse, {{1, 5}, {2, 5}}, {{4, kUnknown}, {6, 5}});
  EXPECT_EQ(rmse.name, "rmse");
  EXPECT_DOUBLE_EQ(rmse.value, std::sqrt((9.0 + 16.0 + 0.0) / 3));

  const Score auc = SlideScore(SlideLossKind::kBce, {{1, 9, 4}, {2, 1, 4}, {3, 5, 4}, {0, 0, 4}},
                               {{0, 1, 1}, {1, 0, 1}, {1, kUnknown, 1}, {1, 1, 1}});
  EXPECT_EQ(auc.name, "auc");
  EXPECT_DOUBLE_EQ(auc.value, (2.0 / 3 + 0.5) / 2) << "the third value has no negatives";
}

}  // namespace
}  // namespace swath
