/// The limit of memory: it is kept, the least that is named is enough, and what is chosen to keep it changes
/// no gradient.
#include <gtest/gtest.h>

#include <set>

#include "swath/compare.h"
#include "swath/engine.h"
#include "swath/error.h"
#include "swath/model.h"
#include "tests/support/memory_image.h"
#include "tests/support/rounding_noise.h"

namespace swath {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

/// What a process holds beside the engine, in these tests.
constexpr int64_t kOther = 3 * kMiB + 5;

MemoryLimit LimitOf(int64_t bytes) {
  return {.bytes = bytes, .total = [](const Plan& plan) { return kOther + plan.engine_bytes(); }};
}

class MemoryLimitTest : public testing::Test {
 protected:
  static constexpr int64_t kWidth = 96, kHeight = 48;

  Plan Fit(int64_t bytes, PlanOptions options = {}) const {
    return FitPlan(graph_, loss_.get(), kWidth, kHeight, options, LimitOf(bytes));
  }

  int64_t Unlimited(PlanOptions options = {}) const {
    return kOther + MakePlan(graph_, loss_.get(), kWidth, kHeight, options).engine_bytes();
  }

  /// What a refusal says is the least, in MiB.
  int64_t Least(PlanOptions options = {}) const {
    try {
      Fit(1, options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUsage);
      const std::string text = e.what(), before = "the least is ";
      const size_t at = text.find(before);
      EXPECT_NE(at, std::string::npos) << text;
      EXPECT_NE(text.find(" MiB", at), std::string::npos) << text;
      return std::stoll(text.substr(at + before.size()));
    }
    ADD_FAILURE() << "one byte was enough";
    return 0;
  }

  /// Deep enough for kernels with packed weights.
  const Graph graph_ = BuiltInModel("unet:base=16,depth=2", 3);
  const std::unique_ptr<Loss> loss_ = MakeLoss({.kind = LossKind::kBceDice});
};

TEST_F(MemoryLimitTest, IsKeptByThePlanThatTheEngineHas) {
  const PlanOptions options{.threads = 2, .strips = 4};
  const int64_t most = Unlimited(options), least = Least(options) * kMiB;
  std::set<int64_t> panels, threads;
  for (int64_t limit = most + kMiB; limit >= least; limit -= most / 20) {
    const Plan plan = Fit(limit, options);
    EXPECT_LE(kOther + plan.engine_bytes(), limit);
    EXPECT_LE(plan.in_flight, 2);
    EXPECT_EQ(MakeStreamingEngine(graph_, loss_.get(), kWidth, kHeight, plan.options)->plan().engine_bytes(),
              plan.engine_bytes());
    panels.insert(plan.options.panels);
    threads.insert(plan.in_flight);
  }
  EXPECT_GE(panels.size(), 2u) << "nothing had to be chosen";
  EXPECT_EQ(threads.size(), 2u);
}

TEST_F(MemoryLimitTest, WithoutNeedNothingIsGivenUp) {
  const Plan plan = Fit(1024 * kMiB, {.threads = 2});
  EXPECT_EQ(plan.options.panels, 1);
  EXPECT_TRUE(plan.options.pack_weights);
  EXPECT_EQ(plan.options.strips,
            MakePlan(graph_, loss_.get(), kWidth, kHeight, {.threads = 2}).options.strips);
}

TEST_F(MemoryLimitTest, TheLeastThatIsNamedIsEnoughAndHardlyLessIsNot) {
  for (const PlanOptions& options :
       {PlanOptions{.threads = 1}, PlanOptions{.threads = 2}, PlanOptions{.threads = 2, .strips = 3},
        PlanOptions{.threads = 2, .pack_weights = false}, PlanOptions{.precision = Precision::kFloat64}}) {
    const int64_t least = Least(options);
    EXPECT_LE(kOther + Fit(least * kMiB, options).engine_bytes(), least * kMiB);
    EXPECT_THROW(Fit((least - 1) * kMiB, options), Error);
  }
}

TEST_F(MemoryLimitTest, StripsThatAreAskedForAreKept) {
  EXPECT_EQ(Fit(Least({.strips = 3}) * kMiB, {.strips = 3}).options.strips, 3);
}

/// Every choice that some limit makes, in both precisions.
TEST_F(MemoryLimitTest, ChangesNoGradient) {
  const auto image = test::RandomImage(kWidth, kHeight, 3, 1),
             labels = test::RandomLabels(kWidth, kHeight, 2, 1);
  const Sample sample{&image, &labels};
  const StepResult reference = MakeReferenceEngine(graph_, *loss_, Precision::kFloat64)->Step(sample);
  const std::vector<double> noise = test::RoundingNoise(graph_, *loss_, sample, reference);
  for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
    PlanOptions options{.threads = 2, .precision = precision};
    std::set<std::tuple<int64_t, int64_t, bool>> seen;
    const int64_t least = Least(options) * kMiB, most = Unlimited(options);
    for (int64_t limit = least; limit < most + kMiB; limit += (most - least) / 6) {
      const PlanOptions chosen = Fit(limit, options).options;
      if (!seen.insert({chosen.strips, chosen.panels, chosen.pack_weights}).second) continue;
      SCOPED_TRACE(testing::Message() << chosen.strips << " strips, " << chosen.panels << " panels, weights "
                                      << (chosen.pack_weights ? "packed" : "as they are"));
      const StepResult result =
          MakeStreamingEngine(graph_, loss_.get(), kWidth, kHeight, chosen)->Step(sample);
      size_t i = 0;
      for (const GradientError& e : CompareGradients(graph_, result, reference)) {
        const double tolerance = precision == Precision::kFloat64 ? 1e-12 : 1e-5;
        EXPECT_LE(e.error, std::max(tolerance * e.largest, noise[i++])) << e.parameter;
      }
    }
    EXPECT_GE(seen.size(), 2u);
  }
}

}  // namespace
}  // namespace swath
