/// Losses over slides against values computed by hand, and their derivatives against differences.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "swath/error.h"
#include "swath/loss.h"

namespace swath {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double Evaluate(const SlideLossOptions& options, const std::vector<double>& output,
                const std::vector<double>& target) {
  return MakeSlideLoss(options)->Evaluate(output, target, nullptr);
}

TEST(SlideLoss, BceIsTheMeanOverTheKnownValues) {
  EXPECT_NEAR(Evaluate({}, {0}, {1}), std::log(2.0), 1e-15);
  EXPECT_NEAR(Evaluate({}, {std::log(3.0)}, {1}), -std::log(0.75), 1e-15);
  EXPECT_NEAR(Evaluate({}, {std::log(3.0)}, {0}), -std::log(0.25), 1e-15);
  EXPECT_NEAR(Evaluate({.values = 3}, {0, std::log(3.0), 5}, {1, 0, kUnknown}),
              (std::log(2.0) - std::log(0.25)) / 2, 1e-15);
  EXPECT_NEAR(Evaluate({.values = 2, .class_weights = {4, 7}}, {0, 0}, {1, 0}), (4 + 1) * std::log(2.0) / 2,
              1e-15)
      << "weights are of a target of 1";
}

TEST(SlideLoss, BceKeepsItsDigitsFarOut) {
  EXPECT_NEAR(Evaluate({}, {800}, {0}), 800, 1e-12);
  EXPECT_NEAR(Evaluate({}, {-800}, {1}), 800, 1e-12);
  EXPECT_NEAR(Evaluate({}, {40}, {1}) / std::exp(-40), 1, 1e-12);
}

TEST(SlideLoss, CrossEntropyIsThatOfTheTargetsClass) {
  const SlideLossOptions options{.kind = SlideLossKind::kCrossEntropy, .values = 3};
  EXPECT_NEAR(Evaluate(options, {std::log(1.0), std::log(2.0), std::log(5.0)}, {1}), std::log(4.0), 1e-15);
  EXPECT_NEAR(Evaluate(options, {1000, 0, 1000}, {1}), 1000 + std::log(2.0), 1e-12);
  SlideLossOptions weighted = options;
  weighted.class_weights = {1, 3, 1};
  EXPECT_NEAR(Evaluate(weighted, {0, 0, 0}, {1}), 3 * std::log(3.0), 1e-15);
}

TEST(SlideLoss, MseIsTheMeanOverTheKnownValues) {
  const SlideLossOptions options{.kind = SlideLossKind::kMse, .values = 3};
  EXPECT_DOUBLE_EQ(Evaluate(options, {1, 2, 9}, {4, 4, kUnknown}), (9.0 + 4.0) / 2);
}

void ExpectDerivatives(const SlideLossOptions& options, const std::vector<double>& target) {
  const std::vector<double> output = {0.3, -1.2, 0.8};
  const auto loss = MakeSlideLoss(options);
  EXPECT_EQ(loss->values(), 3);
  EXPECT_EQ(loss->targets(), static_cast<int64_t>(target.size()));
  std::vector<double> diff(3);
  loss->Evaluate(output, target, &diff);
  for (size_t i = 0; i < 3; ++i) {
    constexpr double kStep = 1e-5;
    std::vector<double> above = output, below = output;
    above[i] += kStep;
    below[i] -= kStep;
    const double slope =
        (loss->Evaluate(above, target, nullptr) - loss->Evaluate(below, target, nullptr)) / (2 * kStep);
    EXPECT_NEAR(diff[i], slope, 1e-9) << ToString(options.kind) << ", value " << i;
  }
}

TEST(SlideLoss, DerivativesAreThoseOfTheValue) {
  ExpectDerivatives({.values = 3}, {1, 0, kUnknown});
  ExpectDerivatives({.values = 3, .class_weights = {2, 3, 4}}, {1, 0, 1});
  ExpectDerivatives({.kind = SlideLossKind::kCrossEntropy, .values = 3, .class_weights = {1, 1, 5}}, {2});
  ExpectDerivatives({.kind = SlideLossKind::kMse, .values = 3}, {-1, kUnknown, 0.5});
}

TEST(SlideLoss, RefusesTargetsAndOptionsThatDoNotFit) {
  EXPECT_THROW(Evaluate({}, {0}, {2}), Error);
  EXPECT_THROW(Evaluate({.values = 2}, {0, 0}, {kUnknown, kUnknown}), Error);
  const SlideLossOptions classes{.kind = SlideLossKind::kCrossEntropy, .values = 3};
  for (const double target : {-1.0, 3.0, 0.5, kUnknown})
    EXPECT_THROW(Evaluate(classes, {0, 0, 0}, {target}), Error);
  EXPECT_THROW(MakeSlideLoss({.values = 0}), Error);
  EXPECT_THROW(MakeSlideLoss({.kind = SlideLossKind::kCrossEntropy, .values = 1}), Error);
  EXPECT_THROW(MakeSlideLoss({.values = 2, .class_weights = {1}}), Error);
  EXPECT_THROW(MakeSlideLoss({.class_weights = {-1}}), Error);
  EXPECT_THROW(MakeSlideLoss({.kind = SlideLossKind::kMse, .class_weights = {1}}), Error);
}

TEST(SlideLoss, NamesAreReadAndWritten) {
  for (const SlideLossKind kind : {SlideLossKind::kBce, SlideLossKind::kCrossEntropy, SlideLossKind::kMse})
    EXPECT_EQ(ParseSlideLossKind(ToString(kind)), kind);
  EXPECT_THROW(ParseSlideLossKind("dice"), Error);
}

}  // namespace
}  // namespace swath
