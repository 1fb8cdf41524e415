/// The built-in architectures: any strips and panels give the gradient of the reference, to the last digits.
#include <gtest/gtest.h>

#include "layers/layer.h"
#include "swath/compare.h"
#include "swath/engine.h"
#include "swath/model.h"
#include "tests/support/memory_image.h"
#include "tests/support/rounding_noise.h"

namespace swath {
namespace {

struct Case {
  const char* label;
  const char* name;
  int64_t width, height;
  BatchNormalizationMode mode = BatchNormalizationMode::kFrozen;
};

class ArchitectureGradients : public testing::TestWithParam<Case> {};

/// A loss that suits the output, and a sample for it.
struct Task {
  Task(const Graph& graph, const test::MemoryImage& image)
      : labels(test::RandomLabels(image.width(), image.height(), 2, 5)), sample{&image, nullptr} {
    const int64_t values = OutputChannels(graph);
    if (InCore(graph)[static_cast<size_t>(graph.output)]) {
      slide = MakeSlideLoss({.values = values});
      sample.target.assign(static_cast<size_t>(values), 1.0);
    } else {
      pixels = MakeLoss({.kind = LossKind::kBceDice, .logits = values});
      sample.labels = &labels;
    }
  }
  Objective objective() const { return pixels ? Objective(pixels.get()) : Objective(slide.get()); }

  std::unique_ptr<Loss> pixels;
  std::unique_ptr<SlideLoss> slide;
  test::MemoryImage labels;
  Sample sample;
};

/// Scales of 1e-6 hide what is wrong behind them.
void MakeLayerScalesCount(Graph* graph) {
  for (Parameter& parameter : graph->parameters) {
    if (parameter.name.ends_with("layer_scale")) parameter.values.assign(parameter.values.size(), 0.5f);
  }
}

TEST_P(ArchitectureGradients, AreExact) {
  const Case& c = GetParam();
  Graph graph = BuiltInModel(c.name, 3);
  SetBatchNormalization(&graph, c.mode);
  MakeLayerScalesCount(&graph);
  const auto image = test::RandomImage(c.width, c.height, 3, 7);
  const Task task(graph, image);
  const auto reference_at = [&](std::vector<Kink> kinks) {
    return MakeReferenceEngine(graph, task.objective(), Precision::kFloat64, std::move(kinks))
        ->Step(task.sample);
  };
  const StepResult reference = reference_at({});
  const std::vector<double> noise = test::RoundingNoise(graph, task.objective(), task.sample, reference);
  const std::vector<Kink> kinks = FindKinks(graph, image);
  const StepResult at_kinks = kinks.empty() ? reference : reference_at(kinks);
  double schedule = 0, arithmetic = 0;
  int64_t cancelled = 0;
  const std::vector<std::pair<int64_t, int64_t>> splits = {{1, 1}, {2, 1}, {3, 2}};
  for (const auto& [strips, panels] : splits) {
    SCOPED_TRACE(std::to_string(strips) + " strips, " + std::to_string(panels) + " panels");
    const auto step = [&, s = strips, p = panels](Precision precision) {
      return MakeStreamingEngine(graph, task.objective(), c.width, c.height,
                                 {.threads = 1, .strips = s, .panels = p, .precision = precision})
          ->Step(task.sample);
    };
    const StepResult exact = step(Precision::kFloat64);
    EXPECT_NEAR(exact.loss.loss, reference.loss.loss, 1e-12 * std::abs(reference.loss.loss));
    size_t i = 0;
    for (const GradientError& e : CompareGradients(graph, exact, reference)) {
      EXPECT_FALSE(e.zero) << e.parameter << " has no gradient to compare";
      // Terms that cancel: see RoundingNoise.
      const bool cancels = e.relative > 1e-12 && e.error <= noise[i];
      ++i;
      cancelled += cancels;
      if (cancels) continue;
      EXPECT_LE(e.relative, 1e-12) << e.parameter;
      schedule = std::max(schedule, e.relative);
    }
    for (const GradientError& e : CompareGradients(graph, step(Precision::kFloat32), at_kinks)) {
      EXPECT_LE(e.relative, 1e-5) << e.parameter;
      arithmetic = std::max(arithmetic, e.relative);
    }
  }
  std::printf("%s %lldx%lld: schedule %.2g, %lld that cancel, float32 %.2g, %lld kinks\n", c.name,
              static_cast<long long>(c.width), static_cast<long long>(c.height), schedule,
              static_cast<long long>(cancelled), arithmetic, static_cast<long long>(at_kinks.sides));
}

INSTANTIATE_TEST_SUITE_P(
    , ArchitectureGradients,
    testing::Values(Case{"resnet18_attention", "resnet-18:head=attention", 70, 67},
                    Case{"resnet18_lse", "resnet-18:head=lse", 67, 70},
                    Case{"resnet50_max", "resnet-50:head=max", 48, 35},
                    Case{"mobilenet_average", "mobilenet-v2", 70, 67},
                    Case{"mobilenet_segmentation", "mobilenet-v2:head=segmentation", 64, 96},
                    Case{"convnext_average", "convnext-tiny", 70, 67},
                    Case{"unet_batch", "unet:base=4,depth=2,norm=batch", 44, 36,
                         BatchNormalizationMode::kImage},
                    Case{"unet_group_resize", "unet:base=4,depth=2,norm=group,up=resize", 44, 36},
                    Case{"unet_instance", "unet:base=4,depth=3,norm=instance", 40, 56}),
    [](const testing::TestParamInfo<Case>& test) { return std::string(test.param.label); });

}  // namespace
}  // namespace swath
