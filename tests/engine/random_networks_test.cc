/// Invariant I4 on random small networks: both halves, any strips, any number of threads.
#include <gmock/gmock.h>

#include <cstring>
#include <random>

#include "layers/layer.h"
#include "swath/compare.h"
#include "swath/engine.h"
#include "swath/error.h"
#include "tests/support/float_tolerance.h"
#include "tests/support/memory_image.h"
#include "tests/support/random_graph.h"
#include "tests/support/rounding_noise.h"

namespace swath {
namespace {

constexpr uint32_t kNetworks = 600;

LossKind DrawLoss(uint32_t seed, int64_t logits) {
  if (seed % 3 == 0) return LossKind::kDice;
  if (seed % 3 == 1) return LossKind::kBceDice;
  return logits == 1 ? LossKind::kBce : LossKind::kCrossEntropy;
}

TEST(RandomNetworks, StreamingEqualsInCore) {
  double worst = 0;
  int64_t zeros = 0, cancelled = 0;
  for (uint32_t seed = 0; seed < kNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed);
    const auto image = test::RandomImage(network.width, network.height, network.graph.input_channels, seed);
    const auto labels = test::RandomLabels(network.width, network.height,
                                           network.logits == 1 ? 2 : int(network.logits), seed);
    const auto loss = MakeLoss({.kind = DrawLoss(seed, network.logits), .logits = network.logits});
    const Sample sample{&image, &labels};
    const StepResult reference = MakeReferenceEngine(network.graph, *loss, Precision::kFloat64)->Step(sample);
    for (const int64_t strips : {int64_t{1}, int64_t{2}, int64_t{1 + seed % 5}, network.height}) {
      for (const LossSweeps sweeps : {LossSweeps::kOne, LossSweeps::kTwo}) {
        const auto engine = MakeStreamingEngine(network.graph, loss.get(), network.width, network.height,
                                                {.threads = 1 + seed % 2,
                                                 .strips = strips,
                                                 .precision = Precision::kFloat64,
                                                 .loss_sweeps = sweeps});
        const StepResult result = engine->Step(sample);
        EXPECT_NEAR(result.loss.loss, reference.loss.loss, 1e-12 * std::abs(reference.loss.loss));
        const auto errors = CompareGradients(network.graph, result, reference);
        for (const GradientError& e : errors) {
          // Where terms cancel to less than a thousandth, doubles do not hold twelve digits of what is left,
          // whatever the order of adding: such tensors are held to the last places of their terms, and
          // counted.
          const bool cancels = !e.zero && e.relative > 1e-12 && e.error <= 1e-15 * e.terms;
          if (!cancels) {
            EXPECT_LE(e.relative, 1e-12) << e.parameter << ", " << strips << " strips";
            worst = std::max(worst, e.relative);
          }
          zeros += e.zero;
          cancelled += cancels;
        }
      }
    }
  }
  std::printf("%u networks, largest relative error %.2g, %lld gradients that are zero, %lld that cancel\n",
              kNetworks, worst, static_cast<long long>(zeros), static_cast<long long>(cancelled));
}

/// What a random network is trained with: an image, and labels or a target.
struct AnyTask {
  /// `seed` is the network's.
  AnyTask(const test::RandomNetwork& network, uint32_t seed, uint32_t image_seed)
      : image(test::RandomImage(network.width, network.height, network.graph.input_channels, image_seed)),
        labels(test::RandomLabels(network.width, network.height,
                                  network.logits == 1 ? 2 : int(network.logits), seed)),
        sample{&image, nullptr, {}, seed + 1} {
    if (!network.slide) {
      pixels = MakeLoss({.kind = DrawLoss(seed, network.logits), .logits = network.logits});
      sample.labels = &labels;
      return;
    }
    const SlideLossKind kind = network.logits > 1 && seed % 2 ? SlideLossKind::kCrossEntropy
                               : seed % 3                     ? SlideLossKind::kBce
                                                              : SlideLossKind::kMse;
    slide = MakeSlideLoss({.kind = kind, .values = network.logits});
    sample.target.assign(static_cast<size_t>(slide->targets()), 1.0);
  }
  AnyTask(const AnyTask&) = delete;
  AnyTask& operator=(const AnyTask&) = delete;

  Objective objective() const { return pixels ? Objective(pixels.get()) : Objective(slide.get()); }

  test::MemoryImage image, labels;
  std::unique_ptr<Loss> pixels;
  std::unique_ptr<SlideLoss> slide;
  Sample sample;  // refers to the others
};

/// Every operator, reductions in chains, values in core: any strips, panels and threads give the reference's
/// gradient.
TEST(RandomNetworks, AnyOperatorStreamingEqualsInCore) {
  constexpr uint32_t kAnyNetworks = 1500;
  double worst = 0;
  int64_t zeros = 0, cancelled = 0, reductions = 0, most_sweeps = 0;
  for (uint32_t seed = 0; seed < kAnyNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed, test::Variety::kAll);
    const AnyTask any(network, seed, seed);
    const StepResult reference =
        MakeReferenceEngine(network.graph, any.objective(), Precision::kFloat64)->Step(any.sample);
    ASSERT_TRUE(std::isfinite(reference.loss.loss));
    const std::vector<double> noise =
        test::RoundingNoise(network.graph, any.objective(), any.sample, reference);
    for (const int64_t strips : {int64_t{1}, int64_t{1 + seed % 5}, network.height}) {
      for (const int64_t panels : {int64_t{1}, int64_t{2 + seed % 3}}) {
        const auto engine = MakeStreamingEngine(
            network.graph, any.objective(), network.width, network.height,
            {.threads = 1 + seed % 2, .strips = strips, .panels = panels, .precision = Precision::kFloat64});
        reductions += engine->plan().sweeps > 2;
        most_sweeps = std::max(most_sweeps, engine->plan().sweeps);
        const StepResult result = engine->Step(any.sample);
        EXPECT_NEAR(result.loss.loss, reference.loss.loss, 1e-12 * std::abs(reference.loss.loss));
        size_t i = 0;
        for (const GradientError& e : CompareGradients(network.graph, result, reference)) {
          const double allowed = noise[i++];
          const bool cancels = e.relative > 1e-12 && e.error <= allowed;
          if (!cancels) {
            EXPECT_LE(e.relative, 1e-12)
                << e.parameter << ", " << strips << " strips, " << panels << " panels: " << e.error << " of "
                << e.largest << ", allowed " << allowed;
            worst = std::max(worst, e.relative);
          }
          zeros += e.zero;
          cancelled += cancels;
        }
      }
    }
  }
  std::printf(
      "%u networks, largest relative error %.2g, %lld gradients that are zero, %lld that cancel; %lld runs "
      "of "
      "more than 2 sweeps, %lld at most\n",
      kAnyNetworks, worst, static_cast<long long>(zeros), static_cast<long long>(cancelled),
      static_cast<long long>(reductions), static_cast<long long>(most_sweeps));
}

/// Parts of an image that do not overlap: it is cut in two again and again, and some of what comes out is
/// left out.
void DrawParts(const Part& part, int cuts, std::mt19937* random, std::vector<Part>* parts) {
  const bool rows = (*random)() % 2 == 0;
  const Range range = rows ? part.rows : part.columns;
  if (cuts == 0 || range.size() < 2) {
    if ((*random)() % 3 > 0) parts->push_back(part);
    return;
  }
  const int64_t cut =
      range.begin + 1 + static_cast<int64_t>((*random)() % static_cast<uint64_t>(range.size() - 1));
  Part first = part, second = part;
  (rows ? first.rows : first.columns).end = cut;
  (rows ? second.rows : second.columns).begin = cut;
  DrawParts(first, cuts - 1, random, parts);
  DrawParts(second, cuts - 1, random, parts);
}

/// Where labels are said to lie in parts of the image, only what these need is computed, and the gradient is
/// that of the whole.
TEST(RandomNetworks, WantedPartsEqualInCore) {
  double worst = 0;
  int64_t networks = 0, parts = 0, all = 0, computed = 0;
  for (uint32_t seed = 0; seed < kNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed, test::Variety::kAll);
    if (network.slide) continue;
    AnyTask any(network, seed, seed);
    std::mt19937 random(seed);
    PlanOptions options{.threads = 1 + seed % 2, .panels = 1 + seed % 3, .precision = Precision::kFloat64};
    while (options.wanted.empty())
      DrawParts({{0, network.height}, {0, network.width}}, 1 + seed % 3, &random, &options.wanted);
    for (int64_t i = 0; i < network.width * network.height; ++i) {
      const int64_t y = i / network.width, x = i % network.width;
      const bool inside = std::any_of(options.wanted.begin(), options.wanted.end(), [&](const Part& part) {
        return part.rows.contains(y) && part.columns.contains(x);
      });
      if (!inside) any.labels.pixels()[static_cast<size_t>(i)] = 255;
    }
    any.labels.pixels()[static_cast<size_t>(options.wanted[0].rows.begin * network.width +
                                            options.wanted[0].columns.begin)] = 0;
    const StepResult reference =
        MakeReferenceEngine(network.graph, any.objective(), Precision::kFloat64)->Step(any.sample);
    const std::vector<double> noise =
        test::RoundingNoise(network.graph, any.objective(), any.sample, reference);
    ++networks;
    parts += static_cast<int64_t>(options.wanted.size());
    for (const int64_t strips : {int64_t{0}, int64_t{1}, int64_t{1 + seed % 5}}) {
      options.strips = strips;
      const auto engine =
          MakeStreamingEngine(network.graph, any.objective(), network.width, network.height, options);
      all += network.width * network.height;
      computed += engine->plan().input_pixels;
      const StepResult result = engine->Step(any.sample);
      EXPECT_NEAR(result.loss.loss, reference.loss.loss, 1e-12 * std::abs(reference.loss.loss));
      EXPECT_EQ(result.loss.valid_pixels, reference.loss.valid_pixels);
      EXPECT_NEAR(engine->Evaluate(any.sample).loss, reference.loss.loss,
                  1e-12 * std::abs(reference.loss.loss));
      size_t i = 0;
      for (const GradientError& e : CompareGradients(network.graph, result, reference)) {
        const double allowed = noise[i++];
        if (e.relative > 1e-12 && e.error <= allowed) continue;
        EXPECT_LE(e.relative, 1e-12) << e.parameter << ", " << strips << " strips";
        worst = std::max(worst, e.relative);
      }
    }
  }
  EXPECT_GE(networks, 300);
  std::printf("%lld networks, %lld parts, largest relative error %.2g; %.0f %% of the pixels were read\n",
              static_cast<long long>(networks), static_cast<long long>(parts), worst,
              100.0 * static_cast<double>(computed) / static_cast<double>(all));
}

/// Logits of the whole image, [row, class, column].
std::vector<float> Logits(StreamingEngine* engine, const RowSource& image, uint64_t seed, int64_t classes) {
  std::vector<float> logits;
  engine->Predict(
      image,
      [classes](const float* const* from, int64_t width, uint8_t* bytes) {
        const int64_t n = width * static_cast<int64_t>(sizeof(float));
        for (int64_t c = 0; c < classes; ++c) std::memcpy(bytes + c * n, from[c], static_cast<size_t>(n));
      },
      [&](Range rows, const uint8_t* bytes) {
        const size_t n = static_cast<size_t>(rows.size() * image.width() * classes), before = logits.size();
        logits.resize(before + n);
        std::memcpy(logits.data() + before, bytes, n * sizeof(float));
      },
      {}, seed);
  return logits;
}

/// Where only parts of an image are wanted, a prediction has there what it has without them, and 0 elsewhere.
TEST(RandomNetworks, PredictionsOfWantedPartsAreThoseOfTheWhole) {
  int64_t networks = 0, parts = 0;
  for (uint32_t seed = 0; seed < kNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed, test::Variety::kAll);
    if (network.slide) continue;
    const auto image = test::RandomImage(network.width, network.height, network.graph.input_channels, seed);
    std::mt19937 random(seed);
    const int64_t classes = network.logits;
    PlanOptions options{.threads = 1 + seed % 3,
                        .precision = Precision::kFloat64,
                        .bytes_per_pixel = classes * static_cast<int64_t>(sizeof(float))};
    const auto predict = [&] {
      const auto engine = MakeStreamingEngine(network.graph, nullptr, network.width, network.height, options);
      parts += engine->plan().parts;
      return std::pair(Logits(engine.get(), image, seed, classes), engine->plan().parts);
    };
    const std::vector<float> whole = predict().first;
    ASSERT_EQ(whole.size(), static_cast<size_t>(network.width * network.height * classes));
    options.panels = 1 + seed % 3;
    options.strips = seed % 4;
    while (options.wanted.empty())
      DrawParts({{0, network.height}, {0, network.width}}, 1 + seed % 3, &random, &options.wanted);
    const auto [found, used] = predict();
    ASSERT_EQ(found.size(), whole.size());
    networks += used > 0;
    float largest = 0;
    for (const float logit : whole) largest = std::max(largest, std::abs(logit));
    for (size_t i = 0; i < whole.size(); ++i) {
      const int64_t at = static_cast<int64_t>(i), x = at % network.width, y = at / (network.width * classes);
      const bool inside =
          used == 0 || std::any_of(options.wanted.begin(), options.wanted.end(), [&](const Part& part) {
            return part.rows.contains(y) && part.columns.contains(x);
          });
      // As doubles they differ in their last digits at most, which may round the float to the next one.
      ASSERT_NEAR(found[i], inside ? whole[i] : 0, 1e-7 * largest) << "column " << x << ", row " << y;
    }
  }
  EXPECT_GE(networks, 150);
  std::printf("%lld networks, %lld parts\n", static_cast<long long>(networks), static_cast<long long>(parts));
}

TEST(WantedParts, AreRefusedWhereTheyOverlapOrLeaveTheImage) {
  const test::RandomNetwork network = test::MakeRandomNetwork(0);
  const auto loss = MakeLoss({.logits = network.logits});
  const auto plan = [&](std::vector<Part> parts) {
    return MakePlan(network.graph, *loss, network.width, network.height, {.wanted = std::move(parts)});
  };
  EXPECT_THROW(plan({{{0, 2}, {0, 2}}, {{1, 3}, {1, 3}}}), Error);
  EXPECT_THROW(plan({{{0, network.height + 1}, {0, 2}}}), Error);
  EXPECT_THROW(plan({{{0, 2}, {1, 1}}}), Error);
  EXPECT_LT(plan({{{0, 2}, {0, 2}}}).multiply_adds(), plan({}).multiply_adds());
}

/// Whether some layer sees bytes that are not scaled. Its logits reach hundreds, and exp() of a float32 logit
/// of 300 has lost its fifth digit before anything is computed with it: nothing to measure an engine by.
bool ReadsBytes(const Graph& graph) {
  if (graph.nodes[0].layer->type() != "Add" || graph.nodes[0].srcs.size() != 1) return true;
  int reads = 0;
  for (const Node& node : graph.nodes) {
    for (int src : node.srcs) reads += src == graph.input || src == graph.nodes[0].dst;
  }
  return reads > 2;
}

TEST(RandomNetworks, FloatRowsStayWithinTheirTolerance) {
  int64_t networks = 0, tensors = 0;
  double largest = 0;
  for (uint32_t seed = 0; seed < kNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed);
    if (ReadsBytes(network.graph)) continue;
    ++networks;
    const auto image = test::RandomImage(network.width, network.height, network.graph.input_channels, seed);
    const auto labels = test::RandomLabels(network.width, network.height,
                                           network.logits == 1 ? 2 : int(network.logits), seed);
    const auto loss = MakeLoss({.kind = DrawLoss(seed, network.logits), .logits = network.logits});
    const Sample sample{&image, &labels};
    const StepResult reference = MakeReferenceEngine(network.graph, *loss, Precision::kFloat64)->Step(sample);
    const auto engine = MakeStreamingEngine(network.graph, loss.get(), network.width, network.height,
                                            {.strips = 1 + seed % 4});
    for (const GradientError& e : CompareGradients(network.graph, engine->Step(sample), reference)) {
      ++tensors;
      largest = std::max(largest, e.relative);
      EXPECT_LE(e.relative, 1e-5) << e.parameter;
    }
  }
  EXPECT_GE(networks, 100);
  std::printf("%lld networks, %lld tensors: largest relative error of float32 %.2g\n",
              static_cast<long long>(networks), static_cast<long long>(tensors), largest);
}

/// The same over every operator and head.
TEST(RandomNetworks, AnyOperatorFloatRowsStayWithinTheirTolerance) {
  constexpr uint32_t kAnyNetworks = 2000, kMoreImages = 8;
  int64_t networks = 0, sides = 0, judged_again = 0;
  for (uint32_t seed = 0; seed < kAnyNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed, test::Variety::kAll);
    if (ReadsBytes(network.graph)) continue;
    ++networks;
    const auto measure = [&](uint32_t image_seed) {
      const AnyTask any(network, seed, image_seed);
      const test::FloatReference reference =
          test::MakeFloatReference(network.graph, any.objective(), any.sample);
      sides += reference.exact.sides;
      const auto engine = MakeStreamingEngine(network.graph, any.objective(), network.width, network.height,
                                              {.strips = 1 + seed % 4, .panels = 1 + seed % 3});
      return test::MeasureFloat(network.graph, engine->Step(any.sample), reference);
    };
    test::FloatErrors errors = measure(seed);
    if (!errors.WithinTolerance()) {
      // The engine's error is one sample of rounding and the reference's another, and the reference's may
      // have been lucky. Root mean squares over several images are not.
      ++judged_again;
      double engine = 0, rounding = 0;
      for (uint32_t i = 1; i <= kMoreImages; ++i) {
        const test::FloatErrors more = measure(seed + i * kAnyNetworks);
        engine += more.engine * more.engine / kMoreImages;
        rounding += more.rounding * more.rounding / kMoreImages;
      }
      errors = {.engine = std::sqrt(engine), .rounding = std::sqrt(rounding)};
    }
    EXPECT_TRUE(errors.WithinTolerance()) << errors.engine << ", rounding costs " << errors.rounding;
  }
  EXPECT_GE(networks, 200);
  EXPECT_LE(judged_again, networks / 100);
  std::printf("%lld networks, %lld of them judged by several images, %lld values on another side of a kink\n",
              static_cast<long long>(networks), static_cast<long long>(judged_again),
              static_cast<long long>(sides));
}

/// With bfloat16 rows: against the in-core engine that rounds the same rows. Where float32 sums are on
/// different sides of the middle between two such numbers, a value differs by a whole step; that is rare, and
/// costs no more than the rows do.
TEST(RandomNetworks, BFloat16RowsErrAsTheirRoundingDoes) {
  constexpr uint32_t kAnyNetworks = 600;
  int64_t networks = 0, same = 0;
  for (uint32_t seed = 0; seed < kAnyNetworks; ++seed) {
    SCOPED_TRACE("network " + std::to_string(seed));
    const test::RandomNetwork network = test::MakeRandomNetwork(seed, test::Variety::kAll);
    const AnyTask any(network, seed, seed);
    const auto in_core = [&](Precision precision) {
      return MakeReferenceEngine(network.graph, any.objective(), precision)->Step(any.sample);
    };
    const StepResult exact = in_core(Precision::kFloat64), rounded = in_core(Precision::kBFloat16);
    const auto engine = MakeStreamingEngine(network.graph, any.objective(), network.width, network.height,
                                            {.threads = 1 + seed % 2,
                                             .strips = 1 + seed % 4,
                                             .panels = 1 + seed % 3,
                                             .precision = Precision::kBFloat16});
    const StepResult result = engine->Step(any.sample);
    // Of tensors whose terms cancel, to less than float32 sums can tell, relative to these.
    const auto largest = [](const std::vector<GradientError>& errors) {
      double relative = 0;
      for (const GradientError& e : errors) {
        const double of = std::max(e.largest, 1e-4 * e.terms);
        if (of > 0) relative = std::max(relative, e.error / of);
      }
      return relative;
    };
    const double off = largest(CompareGradients(network.graph, result, rounded)),
                 cost = largest(CompareGradients(network.graph, rounded, exact));
    ++networks;
    same += off <= 1e-4;
    EXPECT_LE(off, std::max(1e-4, 2 * cost));
  }
  EXPECT_GE(same, networks * 9 / 10);
  std::printf("%lld networks, in %lld gradients within 1e-4 of those of the same rounding\n",
              static_cast<long long>(networks), static_cast<long long>(same));
}

}  // namespace
}  // namespace swath
