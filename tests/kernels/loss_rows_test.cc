/// Losses by rows against their definitions.
#include "kernels/loss_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace swath::rows {
namespace {

TEST(Rows, SigmoidKeepsItsDigitsAtBothEnds) {
  std::vector<float> z;
  for (float v = -100; v <= 100; v += 0.37f) z.push_back(v);
  std::vector<float> p(z.size()), q(z.size()), tail(z.size());
  Sigmoid(z.data(), static_cast<int64_t>(z.size()), p.data(), q.data(), tail.data());
  for (size_t i = 0; i < z.size(); ++i) {
    const double x = static_cast<double>(z[i]);
    const double positive = 1 / (1 + std::exp(-x)), negative = 1 / (1 + std::exp(x));
    const double log = std::log1p(std::exp(-std::abs(x)));
    EXPECT_NEAR(p[i], positive, 3e-7 * positive + 1e-37);
    EXPECT_NEAR(q[i], negative, 3e-7 * negative + 1e-37);
    EXPECT_NEAR(tail[i], log, 3e-7 * log + 1e-37);
  }
}

TEST(LossRows, BinaryIsItsDefinition) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  for (const int ignore : {255, -1, 0, 1}) {
    for (const int64_t n : {1, 3, 4, 7, 8, 9, 16, 17, 130}) {
      const size_t size = static_cast<size_t>(n);
      std::vector<float> z(size), p(size), q(size), tail(size), diff(size + 1, 9);
      std::vector<uint8_t> labels(size);
      for (size_t i = 0; i < size; ++i) {
        z[i] = 4 * normal(random);
        labels[i] = random() % 4 == 0 ? 255 : random() % 2;
        if (ignore == -1) labels[i] = labels[i] & 1;
      }
      if (ignore != 255) {
        for (uint8_t& label : labels) label = label == 255 ? 0 : label;
      }
      Sigmoid(z.data(), n, p.data(), q.data(), tail.data());
      const BinaryRow row{z.data(), p.data(), q.data(), tail.data(), labels.data(), n, ignore, {0.5, 3}};
      const BinarySums sums = SumBinary(row);
      BinaryGradient(row, diff.data());
      BinarySums expected;
      for (size_t i = 0; i < size; ++i) {
        const bool counts = labels[i] != ignore, own = counts && labels[i] == 1;
        const double weight = counts ? row.weights[labels[i]] : 0, x = static_cast<double>(z[i]);
        expected.loss += weight * std::log1p(std::exp(own ? -x : x));
        expected.weight += weight;
        expected.valid += counts;
        expected.both += own ? static_cast<double>(p[i]) : 0;
        expected.predicted += counts ? static_cast<double>(p[i]) : 0;
        expected.truth += own;
        expected.hard_both += own && x > 0;
        expected.hard_predicted += counts && x > 0;
        EXPECT_FLOAT_EQ(diff[i], static_cast<float>(weight * static_cast<double>(own ? -q[i] : p[i])));
      }
      EXPECT_NEAR(sums.loss, expected.loss, 1e-6 * (1 + expected.loss));
      EXPECT_DOUBLE_EQ(sums.weight, expected.weight);
      EXPECT_EQ(sums.valid, expected.valid);
      EXPECT_NEAR(sums.both, expected.both, 1e-12 * size);
      EXPECT_NEAR(sums.predicted, expected.predicted, 1e-12 * size);
      EXPECT_EQ(sums.truth, expected.truth);
      EXPECT_EQ(sums.hard_both, expected.hard_both);
      EXPECT_EQ(sums.hard_predicted, expected.hard_predicted);
      EXPECT_EQ(sums.hard_truth, expected.truth);
      EXPECT_EQ(diff.back(), 9);
    }
  }
}

TEST(LossRows, WhatIsNotANumberStaysSo) {
  std::vector<float> z(40, 1), p(40), q(40), tail(40), diff(40);
  z[33] = std::nanf("");
  const std::vector<uint8_t> labels(40, 0);
  Sigmoid(z.data(), 40, p.data(), q.data(), tail.data());
  const BinaryRow row{z.data(), p.data(), q.data(), tail.data(), labels.data(), 40, -1, {1, 1}};
  EXPECT_TRUE(std::isnan(SumBinary(row).loss));
}

}  // namespace
}  // namespace swath::rows
