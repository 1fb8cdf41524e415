/// Losses by rows against their definitions.
#include "kernels/loss_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace swath::rows {
namespace {

TEST(LossRows, ProbabilitiesKeepTheirDigitsAtBothEnds) {
  std::vector<float> z;
  for (float v = -100; v <= 100; v += 0.37f) z.push_back(v);
  std::vector<float> p(z.size()), q(z.size());
  const std::vector<uint8_t> labels(z.size(), 1);
  BinaryLoss({z.data(), labels.data(), static_cast<int64_t>(z.size()), -1, {1, 1}},
             {.p = p.data(), .q = q.data()});
  for (size_t i = 0; i < z.size(); ++i) {
    const double x = static_cast<double>(z[i]);
    const double positive = 1 / (1 + std::exp(-x)), negative = 1 / (1 + std::exp(x));
    EXPECT_NEAR(p[i], positive, 3e-7 * positive + 1e-37);
    EXPECT_NEAR(q[i], negative, 3e-7 * negative + 1e-37);
  }
}

TEST(LossRows, SigmoidIsItsDefinition) {
  for (const size_t n : {size_t{1}, size_t{5}, size_t{16}, size_t{333}}) {
    std::vector<float> z(n), p(n + 1, 9);
    for (size_t i = 0; i < n; ++i) z[i] = static_cast<float>(i % 2 ? i : -static_cast<double>(i)) * 0.3f;
    Sigmoid(z.data(), static_cast<int64_t>(n), p.data());
    for (size_t i = 0; i < n; ++i) {
      const double expected = 1 / (1 + std::exp(-static_cast<double>(z[i])));
      EXPECT_NEAR(p[i], expected, 3e-7 * expected + 1e-37);
    }
    EXPECT_EQ(p.back(), 9);
  }
}

/// The loss of pixels that are as good as certain is still there.
TEST(LossRows, SmallLossesAddUp) {
  for (const float z : {3.0f, 9.0f, 17.0f, 25.0f}) {
    const std::vector<float> row(5000, z);
    const std::vector<uint8_t> labels(row.size(), 1);
    const BinarySums sums =
        BinaryLoss({row.data(), labels.data(), static_cast<int64_t>(row.size()), 0, {1, 2}}, {});
    const double expected = 5000 * 2 * std::log1p(std::exp(-static_cast<double>(z)));
    EXPECT_NEAR(sums.loss, expected, 1e-5 * expected) << z;
  }
}

TEST(LossRows, BinaryIsItsDefinition) {
  constexpr double kUlp = std::numeric_limits<float>::epsilon();
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const double weight : {1.0, 3.7}) {
    for (const int ignore : {255, -1, 0, 1}) {
      for (const int64_t n : {1, 3, 4, 7, 8, 9, 16, 17, 130}) {
        const size_t size = static_cast<size_t>(n);
        std::vector<float> z(size), p(size), q(size), diff(size + 1, 9);
        std::vector<uint8_t> labels(size);
        for (size_t i = 0; i < size; ++i) {
          z[i] = 4 * normal(random);
          labels[i] = ignore == 255 && random() % 4 == 0 ? 255 : random() % 2;
        }
        const BinaryRow row{z.data(), labels.data(), n, ignore, {1, weight}};
        const BinarySums sums = BinaryLoss(row, {p.data(), q.data(), diff.data()});
        BinarySums expected;
        for (size_t i = 0; i < size; ++i) {
          const bool counts = labels[i] != ignore, own = counts && labels[i] == 1;
          const double w = counts ? row.weights[labels[i]] : 0, x = static_cast<double>(z[i]);
          expected.loss += w * std::log1p(std::exp(own ? -x : x));
          expected.weight += w;
          expected.valid += counts;
          expected.truth += own;
          const double one = 1 / (1 + std::exp(-x)), other = 1 / (1 + std::exp(x));
          EXPECT_NEAR(p[i], one, kUlp * one);
          EXPECT_NEAR(q[i], other, kUlp * other);
          expected.both += own ? one : 0;
          expected.predicted += counts ? one : 0;
          expected.hard_both += own && x > 0;
          expected.hard_predicted += counts && x > 0;
          const double slope = w * (own ? -other : one);
          EXPECT_NEAR(diff[i], slope, kUlp * std::abs(slope));
        }
        EXPECT_NEAR(sums.loss, expected.loss, 1e-6 * (1 + expected.loss));
        EXPECT_NEAR(sums.weight, expected.weight, 1e-9);
        EXPECT_EQ(sums.valid, expected.valid);
        EXPECT_EQ(sums.truth, expected.truth);
        EXPECT_NEAR(sums.both, expected.both, kUlp * expected.both);
        EXPECT_NEAR(sums.predicted, expected.predicted, kUlp * expected.predicted);
        EXPECT_EQ(sums.hard_both, expected.hard_both);
        EXPECT_EQ(sums.hard_predicted, expected.hard_predicted);
        EXPECT_EQ(diff.back(), 9);
      }
    }
  }
}

TEST(LossRows, WhatIsNotANumberStaysSo) {
  std::vector<float> z(40, 1);
  z[33] = std::nanf("");
  const std::vector<uint8_t> labels(40, 0);
  EXPECT_TRUE(std::isnan(BinaryLoss({z.data(), labels.data(), 40, -1, {1, 1}}, {}).loss));
}

}  // namespace
}  // namespace swath::rows
