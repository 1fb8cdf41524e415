/// Cases in which another streaming implementation gives wrong gradients, or none, without saying so: here
/// they are those of the in-core reference, at any strips and panels (invariant I4). PyTorch judges the same
/// networks in tests/judges.
#include "tests/support/named_networks.h"

#include <gtest/gtest.h>

#include "layers/layer.h"
#include "swath/compare.h"
#include "swath/engine.h"
#include "tests/support/float_tolerance.h"
#include "tests/support/mean_step.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

class NamedNetworks : public testing::TestWithParam<test::NamedNetwork> {
 protected:
  NamedNetworks() {
    const bool slide = InCore(network_.graph)[static_cast<size_t>(network_.graph.output)];
    if (slide) {
      slide_loss_ = MakeSlideLoss({});
    } else {
      loss_ = MakeLoss({.kind = LossKind::kBceDice});
    }
    for (int64_t i = 0; i < network_.slides; ++i) {
      const auto seed = static_cast<uint32_t>(i + 1);
      images_.push_back(test::RandomImage(network_.width, network_.height, 3, seed));
      labels_.push_back(test::RandomLabels(network_.width, network_.height, 2, seed));
    }
    for (size_t i = 0; i < images_.size(); ++i) {
      samples_.push_back({.image = &images_[i],
                          .labels = slide ? nullptr : &labels_[i],
                          .target = {static_cast<double>(i % 2)}});
    }
  }

  Objective objective() const { return loss_ ? Objective(loss_.get()) : Objective(slide_loss_.get()); }

  StepResult Step(Engine* engine) const {
    std::vector<StepResult> results;
    for (const Sample& sample : samples_) results.push_back(engine->Step(sample));
    return test::MeanStep(results);
  }

  /// The same engine for all slides, as in training.
  StepResult Stream(const PlanOptions& options) const {
    return Step(
        MakeStreamingEngine(network_.graph, objective(), network_.width, network_.height, options).get());
  }

  const test::NamedNetwork network_ = GetParam();
  std::unique_ptr<Loss> loss_;
  std::unique_ptr<SlideLoss> slide_loss_;
  std::vector<test::MemoryImage> images_, labels_;
  std::vector<Sample> samples_;
};

constexpr std::pair<int64_t, int64_t> kSplits[] = {{1, 1}, {2, 1}, {5, 1}, {1, 3}, {3, 2}, {60, 1}};

TEST_P(NamedNetworks, AreExactOnDoubles) {
  const Graph& graph = network_.graph;
  const StepResult reference = Step(MakeReferenceEngine(graph, objective(), Precision::kFloat64).get());
  for (const auto& [strips, panels] : kSplits) {
    const StepResult result =
        Stream({.threads = 2, .strips = strips, .panels = panels, .precision = Precision::kFloat64});
    EXPECT_NEAR(result.loss.loss, reference.loss.loss, 1e-12 * reference.loss.loss);
    for (const GradientError& e : CompareGradients(graph, result, reference)) {
      EXPECT_FALSE(e.zero) << e.parameter << " has no gradient to compare";
      EXPECT_LE(e.relative, 1e-12) << e.parameter << ", " << strips << " strips, " << panels << " panels";
    }
  }
}

TEST_P(NamedNetworks, StayWithinTheToleranceOfFloat32) {
  std::vector<StepResult> exact, rounded;
  test::FloatReference reference;
  for (const Sample& sample : samples_) {
    reference = test::MakeFloatReference(network_.graph, objective(), sample);
    exact.push_back(reference.exact);
    rounded.push_back(reference.rounded);
  }
  reference.exact = test::MeanStep(exact);
  reference.rounded = test::MeanStep(rounded);
  for (const auto& [strips, panels] : kSplits) {
    SCOPED_TRACE(std::to_string(strips) + " strips, " + std::to_string(panels) + " panels");
    test::ExpectFloatTolerance(network_.graph, Stream({.threads = 2, .strips = strips, .panels = panels}),
                               reference);
  }
}

INSTANTIATE_TEST_SUITE_P(, NamedNetworks, testing::ValuesIn(test::NamedNetworks()),
                         [](const testing::TestParamInfo<test::NamedNetwork>& test) {
                           std::string name = test.param.name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace swath
