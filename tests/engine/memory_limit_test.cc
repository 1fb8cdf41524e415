/// The limit of memory: it is kept, the least that is named is enough, and what is chosen to keep it changes
/// no gradient and no prediction.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <set>

#include "base/error.h"
#include "swath/compare.h"
#include "swath/engine.h"
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
        PlanOptions{.threads = 2, .pack_weights = false}, PlanOptions{.precision = Precision::kFloat64},
        PlanOptions{.precision = Precision::kBFloat16}}) {
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
      const StepResult at_kinks =
          MakeReferenceEngine(graph_, *loss_, Precision::kFloat64, FindKinks(graph_, image, 0, chosen))
              ->Step(sample);
      size_t i = 0;
      const bool exact = precision == Precision::kFloat64;
      for (const GradientError& e : CompareGradients(graph_, result, exact ? reference : at_kinks)) {
        const double tolerance = exact ? 1e-12 : 1e-5;
        EXPECT_LE(e.error, std::max(tolerance * e.largest, noise[i++])) << e.parameter;
      }
    }
    EXPECT_GE(seen.size(), 2u);
  }
}

/// Logits of the whole map, [row, class, column].
std::vector<float> Logits(const Graph& graph, const RowSource& image, PlanOptions options) {
  const int64_t classes = OutputChannels(graph);
  options.bytes_per_pixel = classes * static_cast<int64_t>(sizeof(float));
  const auto engine = MakeStreamingEngine(graph, nullptr, image.width(), image.height(), options);
  EXPECT_EQ(engine->plan().options.panels, options.panels);
  std::vector<float> all;
  int64_t next = 0;
  engine->Predict(
      image,
      [&](const float* const* logits, int64_t width, uint8_t* bytes) {
        for (int64_t c = 0; c < classes; ++c)
          std::memcpy(bytes + c * width * 4, logits[c], static_cast<size_t>(width) * 4);
      },
      [&](Range rows, const uint8_t* bytes) {
        EXPECT_EQ(rows.begin, next) << "rows come in order";
        next = rows.end;
        const auto* floats = reinterpret_cast<const float*>(bytes);
        all.insert(all.end(), floats, floats + rows.size() * classes * image.width());
      });
  EXPECT_EQ(next, image.height());
  return all;
}

TEST(MemoryLimit, PredictsTheSameInPanels) {
  for (const char* name : {"unet:base=8,depth=1,outputs=3", "unet-4492"}) {
    const Graph graph = BuiltInModel(name, 3);
    const auto image = test::RandomImage(192, 64, 3, 1);
    for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
      const std::vector<float> whole = Logits(graph, image, {.panels = 1, .precision = precision});
      float largest = 0;
      for (const float z : whole) largest = std::max(largest, std::abs(z));
      for (const int64_t strips : {1, 3}) {
        const std::vector<float> panels =
            Logits(graph, image, {.threads = 2, .strips = strips, .panels = 3, .precision = precision});
        ASSERT_EQ(panels.size(), whole.size());
        // Wide kernels sum in another order where rows are shorter.
        for (size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(panels[i], whole[i], 1e-6f * largest) << name;
      }
    }
  }
}

/// An image whose reader fails on the way down.
class Torn final : public test::MemoryImage {
 public:
  using MemoryImage::MemoryImage;
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<Torn>(*this); }
  void Read(Range rows, uint8_t* dst) override {
    if (rows.end > 40) Fail(ErrorCode::kInput, "torn");
    MemoryImage::Read(rows, dst);
  }
};

TEST(MemoryLimit, PanelsThatCannotBeReadEndThePrediction) {
  const Graph graph = BuiltInModel("unet-4492", 3);
  const Torn image(192, 128, 3);
  for (const int64_t strips : {1, 3}) {
    const auto engine =
        MakeStreamingEngine(graph, nullptr, 192, 128, {.threads = 2, .strips = strips, .panels = 3});
    EXPECT_THROW(engine->Predict(
                     image, [](const float* const*, int64_t, uint8_t*) {},
                     [](Range, const uint8_t*) { ADD_FAILURE() << "a row was handed over"; }),
                 Error);
  }
}

}  // namespace
}  // namespace swath
