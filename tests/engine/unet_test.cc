/// Must-hold figures of `unet-4492`: both halves of I4 at the sizes that matter, every loss, several strips.
#include <gtest/gtest.h>

#include "swath/compare.h"
#include "swath/engine.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/optimizer.h"
#include "swath/synth.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

struct Case {
  const char* name;
  int64_t width, height;
  LossKind loss;
  int64_t logits;
};

class UNetGradients : public testing::TestWithParam<Case> {};

/// unet-4492 with as many logits as the loss wants: the head's weights are repeated, and changed a little,
/// for each.
Graph WithLogits(int64_t logits) {
  Graph graph = BuiltInModel("unet-4492", 1);
  for (int index : graph.nodes.back().parameters) {
    Parameter& p = graph.parameters[static_cast<size_t>(index)];
    const std::vector<float> one = p.values;
    p.values.clear();
    for (int64_t c = 0; c < logits; ++c) {
      for (size_t i = 0; i < one.size(); ++i) {
        p.values.push_back(one[(i + static_cast<size_t>(c) * 7) % one.size()] * (c % 2 ? -1.0f : 1.0f));
      }
    }
    p.dims[0] = logits;
  }
  return graph;
}

TEST_P(UNetGradients, AreExact) {
  const Case& c = GetParam();
  const Graph graph = WithLogits(c.logits);
  const SynthSlide slide({.width = c.width, .height = c.height, .seed = 3, .threads = 2});
  const int64_t multiple = ModelMultiple(graph);
  const auto extend = [&](int64_t n) { return (n + multiple - 1) / multiple * multiple; };
  const auto image = ExtendedRows(slide.Image(), extend(c.width), extend(c.height), 255);
  const auto labels = ExtendedRows(slide.Mask(), extend(c.width), extend(c.height), 255);
  const auto loss = MakeLoss({.kind = c.loss, .logits = c.logits});
  const Sample sample{image.get(), labels.get()};
  const StepResult reference = MakeReferenceEngine(graph, *loss, Precision::kFloat64)->Step(sample);
  const std::vector<Kink> kinks = FindKinks(graph, *image);
  const StepResult at_kinks =
      kinks.empty() ? reference : MakeReferenceEngine(graph, *loss, Precision::kFloat64, kinks)->Step(sample);
  double schedule = 0, arithmetic = 0;
  for (int64_t strips : {1, 2, 5}) {
    for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
      const auto engine = MakeStreamingEngine(graph, loss.get(), image->width(), image->height(),
                                              {.strips = strips, .precision = precision});
      const auto errors = CompareGradients(graph, engine->Step(sample),
                                           precision == Precision::kFloat64 ? reference : at_kinks);
      for (const GradientError& e : errors) {
        EXPECT_LE(e.relative, precision == Precision::kFloat64 ? 1e-12 : 1e-5)
            << e.parameter << ", " << strips << " strips";
      }
      double& worst = precision == Precision::kFloat64 ? schedule : arithmetic;
      worst = std::max(worst, LargestRelative(errors));
    }
  }
  std::printf("%s %lldx%lld: schedule %.2g, float32 %.2g, %lld kinks\n", c.name,
              static_cast<long long>(c.width), static_cast<long long>(c.height), schedule, arithmetic,
              static_cast<long long>(at_kinks.sides));
}

INSTANTIATE_TEST_SUITE_P(, UNetGradients,
                         testing::Values(Case{"bce", 1024, 1024, LossKind::kBce, 1},
                                         Case{"dice", 1024, 1024, LossKind::kDice, 1},
                                         Case{"bce_dice", 1024, 1024, LossKind::kBceDice, 1},
                                         Case{"cross_entropy", 1024, 1024, LossKind::kCrossEntropy, 3},
                                         Case{"dice_of_three", 704, 640, LossKind::kDice, 3},
                                         Case{"bce", 701, 903, LossKind::kBce, 1},
                                         Case{"dice", 701, 903, LossKind::kDice, 1},
                                         Case{"bce_dice", 701, 903, LossKind::kBceDice, 1},
                                         Case{"cross_entropy", 701, 903, LossKind::kCrossEntropy, 2}),
                         [](const testing::TestParamInfo<Case>& test) {
                           return std::string(test.param.name) + "_" + std::to_string(test.param.width) +
                                  "x" + std::to_string(test.param.height);
                         });

/// unet-4492 after some steps on one image.
Graph Trained(uint64_t seed, const Sample& sample) {
  Graph graph = BuiltInModel("unet-4492", seed);
  const auto loss = MakeLoss({.kind = LossKind::kBce});
  const auto engine =
      MakeStreamingEngine(graph, loss.get(), sample.image->width(), sample.image->height(), {});
  Optimizer optimizer(graph, {.kind = OptimizerKind::kAdam});
  double first = 0, last = 0;
  for (int64_t step = 0; step < 120; ++step) {
    const StepResult result = engine->Step(sample);
    (step == 0 ? first : last) = result.loss.loss;
    optimizer.Step(result.gradients, 0.005, &graph);
  }
  EXPECT_LT(last, 0.5 * first) << "network " << seed;
  return graph;
}

/// The second half of I4 at weights that training has reached, where gradients cancel: float32 may err twice
/// as much as float32 rows with exact sums do, over all parameters; of several networks, since both errors
/// are a few roundings, of which either may have been lucky.
TEST(UNet, TrainedWeightsErrAsRoundingDoes) {
  constexpr int64_t kSide = 512;
  constexpr uint64_t kNetworks = 6;
  for (uint64_t seed = 1; seed <= kNetworks; ++seed) {
    const SynthSlide slide({.width = kSide, .height = kSide, .seed = seed, .threads = 2});
    const auto image = slide.Image(), labels = slide.Mask();
    const Sample sample{image.get(), labels.get()};
    const Graph graph = Trained(seed, sample);
    const std::vector<Kink> kinks = FindKinks(graph, *image);
    for (const LossKind kind : {LossKind::kBce, LossKind::kDice, LossKind::kBceDice}) {
      const auto loss = MakeLoss({.kind = kind});
      const auto reference = MakeReferenceEngine(graph, *loss, Precision::kFloat64, kinks)->Step(sample);
      const auto rounded = MakeReferenceEngine(graph, *loss, Precision::kFloat32, kinks)->Step(sample);
      const double rounding = LargestRelative(CompareGradients(graph, rounded, reference));
      for (int64_t strips : {1, 2, 5}) {
        const auto engine = MakeStreamingEngine(graph, loss.get(), kSide, kSide, {.strips = strips});
        const double error = LargestRelative(CompareGradients(graph, engine->Step(sample), reference));
        EXPECT_LE(error, 2 * rounding)
            << "network " << seed << ", " << ToString(kind) << ", " << strips << " strips";
        std::printf("network %llu, %s, %lld strips: float32 %.2g, rounding %.2g, ratio %.2f\n",
                    static_cast<unsigned long long>(seed), ToString(kind).c_str(),
                    static_cast<long long>(strips), error, rounding, error / rounding);
      }
    }
  }
}

TEST(UNet, SameStripsSameBits) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const SynthSlide slide({.width = 640, .height = 2048, .seed = 5});
  const auto image = slide.Image(), labels = slide.Mask();
  const auto loss = MakeLoss({.kind = LossKind::kBceDice});
  std::vector<StepResult> results;
  for (int64_t threads : {1, 2, 5}) {
    const auto engine = MakeStreamingEngine(graph, loss.get(), 640, 2048, {.threads = threads, .strips = 5});
    results.push_back(engine->Step({image.get(), labels.get()}));
    EXPECT_EQ(results.back().loss.loss, results[0].loss.loss);
    EXPECT_EQ(results.back().gradients, results[0].gradients) << threads << " threads";
  }
}

TEST(UNet, EvaluationIsTheLossOfTheStep) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto image = test::RandomImage(192, 320, 3, 1), labels = test::RandomLabels(192, 320, 2, 1);
  const auto loss = MakeLoss({});
  const auto engine = MakeStreamingEngine(graph, loss.get(), 192, 320, {.strips = 3});
  EXPECT_EQ(engine->Evaluate({&image, &labels}).loss, engine->Step({&image, &labels}).loss.loss);
}

TEST(UNet, PredictionDoesNotDependOnStripsOrThreads) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  const auto image = test::RandomImage(128, 640, 3, 1);
  std::vector<std::vector<uint8_t>> maps;
  for (int64_t strips : {1, 2, 10}) {
    const auto engine =
        MakeStreamingEngine(graph, nullptr, 128, 640, {.threads = 2, .strips = strips, .bytes_per_pixel = 4});
    std::vector<uint8_t>& map = maps.emplace_back();
    int64_t next = 0;
    engine->Predict(
        image,
        [](const float* const* logits, int64_t width, uint8_t* bytes) {
          std::memcpy(bytes, logits[0], static_cast<size_t>(width) * 4);
        },
        [&](Range rows, const uint8_t* bytes) {
          EXPECT_EQ(rows.begin, next) << "rows come in order";
          next = rows.end;
          map.insert(map.end(), bytes, bytes + rows.size() * 128 * 4);
        });
    EXPECT_EQ(next, 640);
    EXPECT_EQ(map, maps[0]) << strips << " strips";
  }
}

}  // namespace
}  // namespace swath
