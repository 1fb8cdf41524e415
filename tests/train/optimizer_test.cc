#include "swath/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "swath/error.h"

namespace swath {
namespace {

using Gradients = std::vector<std::vector<double>>;

/// Two trainable parameters with a constant between them.
Graph TwoWeights() {
  Graph graph;
  graph.AddParameter({.name = "a", .dims = {1}, .values = {0.5f}});
  graph.AddParameter({.name = "constant", .dims = {1}, .values = {3.0f}, .trainable = false});
  graph.AddParameter({.name = "b", .dims = {2}, .values = {-1.0f, 2.0f}});
  return graph;
}

/// Weights after three steps with the gradients (0.1, -0.2, 3), then their halves with changed sign, then the
/// first.
std::vector<double> AfterThreeSteps(const OptimizerOptions& options) {
  Graph graph = TwoWeights();
  Optimizer optimizer(graph, options);
  for (const double factor : {1.0, -0.5, 1.0}) {
    optimizer.Step({{factor * 0.1}, {}, {factor * -0.2, factor * 3}}, 0.1, &graph);
  }
  EXPECT_EQ(graph.parameters[1].values[0], 3.0f);
  EXPECT_EQ(optimizer.state().steps, 3);
  return {static_cast<double>(graph.parameters[0].values[0]),
          static_cast<double>(graph.parameters[2].values[0]),
          static_cast<double>(graph.parameters[2].values[1])};
}

void ExpectWeights(const OptimizerOptions& options, const std::vector<double>& expected) {
  const std::vector<double> found = AfterThreeSteps(options);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(found[i], expected[i], 5e-7) << i;
}

TEST(OptimizerTest, OneStepOfSgdAndAdamByHand) {
  Graph graph = TwoWeights();
  Optimizer sgd(graph, {.kind = OptimizerKind::kSgd, .momentum = 0.9, .weight_decay = 0.5});
  sgd.Step({{1.0}, {}, {0.0, 0.0}}, 0.1, &graph);
  EXPECT_FLOAT_EQ(graph.parameters[0].values[0], 0.5f - 0.1f * (1.0f + 0.25f));
  EXPECT_FLOAT_EQ(graph.parameters[2].values[0], -1.0f + 0.1f * 0.5f);
  graph = TwoWeights();
  Optimizer adam(graph, {});
  adam.Step({{1e-3}, {}, {-7.0, 0.0}}, 0.1, &graph);
  EXPECT_NEAR(static_cast<double>(graph.parameters[0].values[0]), 0.4,
              1e-5);  // the first step is one of sign alone
  EXPECT_NEAR(static_cast<double>(graph.parameters[2].values[0]), -0.9, 1e-5);
  EXPECT_EQ(graph.parameters[2].values[1], 2.0f);
}

// The values below are those of torch.optim 1.13 on float64.
TEST(OptimizerTest, SgdEqualsPyTorch) {
  ExpectWeights({.kind = OptimizerKind::kSgd, .momentum = 0.9, .weight_decay = 0.01},
                {0.4696303895, -0.9392607790, 1.1617792980});
}
TEST(OptimizerTest, AdamEqualsPyTorch) {
  ExpectWeights({.weight_decay = 0.01}, {0.3075810518, -0.8068598587, 1.8141895299});
}
TEST(OptimizerTest, AdamWEqualsPyTorch) {
  ExpectWeights({.kind = OptimizerKind::kAdamW, .weight_decay = 0.01},
                {0.3141462812, -0.8126477707, 1.8096507603});
}

/// A parameter group of PyTorch is an optimiser of its own, with a rate of its own.
TEST(OptimizerTest, FactorsAreThoseOfParameterGroups) {
  for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    const OptimizerOptions plain{.kind = kind, .weight_decay = 0.1};
    OptimizerOptions grouped = plain;
    grouped.factors = {1, 1, 0.25};
    Graph found = TwoWeights(), all = TwoWeights(), slow = TwoWeights();
    Optimizer with_factors(found, grouped), fast(all, plain), slower(slow, plain);
    for (const double factor : {1.0, -0.5, 1.0}) {
      const Gradients gradients{{factor * 0.1}, {}, {factor * -0.2, factor * 3}};
      with_factors.Step(gradients, 0.1, &found);
      fast.Step(gradients, 0.1, &all);
      slower.Step(gradients, 0.1 * 0.25, &slow);
    }
    EXPECT_EQ(found.parameters[0].values, all.parameters[0].values);
    EXPECT_EQ(found.parameters[2].values, slow.parameters[2].values);
    EXPECT_NE(found.parameters[2].values, all.parameters[2].values);
  }
}

TEST(OptimizerTest, RestoredItContinuesBitForBit) {
  Graph whole = TwoWeights(), parts = TwoWeights();
  Optimizer first(whole, {}), before(parts, {}), after(parts, {});
  const Gradients gradients{{0.3}, {}, {0.1, -2.0}};
  for (int i = 0; i < 4; ++i) first.Step(gradients, 0.01, &whole);
  for (int i = 0; i < 2; ++i) before.Step(gradients, 0.01, &parts);
  after.Restore(before.state());
  for (int i = 0; i < 2; ++i) after.Step(gradients, 0.01, &parts);
  for (size_t p = 0; p < 3; ++p) EXPECT_EQ(whole.parameters[p].values, parts.parameters[p].values);
  Optimizer sgd(parts, {.kind = OptimizerKind::kSgd});
  EXPECT_THROW(sgd.Restore(before.state()), Error);
  EXPECT_EQ(before.state_bytes(), 2 * 3 * 8);
}

TEST(OptimizerTest, ClipsByTheNormOverAllGradients) {
  Gradients gradients{{3.0}, {}, {0.0, 4.0}};
  EXPECT_DOUBLE_EQ(ClipGradients(0, &gradients), 5);
  EXPECT_DOUBLE_EQ(ClipGradients(6, &gradients), 5);
  EXPECT_EQ(gradients[0][0], 3.0);
  EXPECT_DOUBLE_EQ(ClipGradients(1, &gradients), 5);
  EXPECT_NEAR(gradients[0][0], 0.6, 1e-6);
  EXPECT_NEAR(gradients[2][1], 0.8, 1e-6);
}

TEST(OptimizerTest, RefusesOptionsOutOfRange) {
  const Graph graph = TwoWeights();
  EXPECT_THROW(Optimizer(graph, {.momentum = 1}), Error);
  EXPECT_THROW(Optimizer(graph, {.beta2 = -0.1}), Error);
  EXPECT_THROW(Optimizer(graph, {.weight_decay = -1}), Error);
  EXPECT_THROW(Optimizer(graph, {.factors = {1, 1, 0}}), Error);
  EXPECT_THROW(ParseOptimizerKind("adagrad"), Error);
  EXPECT_THROW(ParseScheduleKind("steps"), Error);
}

TEST(ScheduleTest, RisesThenStaysOrFallsAsACosine) {
  ScheduleOptions options{
      .kind = ScheduleKind::kConstant, .learning_rate = 2, .warmup_steps = 4, .steps = 12};
  EXPECT_DOUBLE_EQ(LearningRate(options, 0), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(options, 3), 2);
  EXPECT_DOUBLE_EQ(LearningRate(options, 11), 2);
  options.kind = ScheduleKind::kCosine;
  EXPECT_DOUBLE_EQ(LearningRate(options, 1), 1);
  EXPECT_DOUBLE_EQ(LearningRate(options, 4), 2);
  EXPECT_DOUBLE_EQ(LearningRate(options, 6), 1 + std::sqrt(0.5));
  EXPECT_NEAR(LearningRate(options, 8), 1, 1e-15);
  EXPECT_NEAR(LearningRate(options, 11), 1 - std::cos(M_PI / 8), 1e-15);
  options.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(LearningRate(options, 0), 2);
}

}  // namespace
}  // namespace swath
