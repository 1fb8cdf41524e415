/// Networks that run on oneDNN: exact, on threads of their own, within their plan.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "kernels/correlation.h"
#include "kernels/onednn_rows.h"
#include "layers/layers.h"
#include "swath/compare.h"
#include "swath/engine.h"
#include "swath/model.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

/// An encoder and decoder of 40 to 80 channels with a skip; sizes divide by 2.
Graph WideNetwork() {
  std::mt19937 random(5);
  Graph graph;
  graph.input = graph.AddTensor("image");
  const auto weights = [&](const std::string& name, std::vector<int64_t> dims, int64_t fan_in) {
    Parameter p{.name = name, .dims = dims, .values = {}};
    std::normal_distribution<float> normal(0, std::sqrt(2.0f / static_cast<float>(fan_in)));
    int64_t size = 1;
    for (const int64_t dim : dims) size *= dim;
    for (int64_t i = 0; i < size; ++i) p.values.push_back(normal(random));
    return graph.AddParameter(std::move(p));
  };
  const auto bias = [&](const std::string& name, int64_t channels) {
    return graph.AddParameter(
        {.name = name, .dims = {channels}, .values = std::vector<float>(size_t(channels), 0.1f)});
  };
  const int scale =
      graph.AddParameter({.name = "scale", .dims = {1}, .values = {1 / 128.0f}, .trainable = false});
  const auto conv = [&](const std::string& name, int src, int64_t from, int64_t to, int64_t kernel,
                        int64_t stride) {
    const Window w{.kernel = kernel, .stride = stride, .pad_begin = kernel / 2, .pad_end = (kernel - 1) / 2};
    return graph.AddNode(name, MakeConv({.rows = w, .columns = w}), {src},
                         {weights(name + ".weight", {to, from, kernel, kernel}, from * kernel * kernel),
                          bias(name + ".bias", to)});
  };
  const auto relu = [&](const std::string& name, int src) { return graph.AddNode(name, MakeRelu(), {src}); };
  const int image = graph.AddNode("scale", MakeMul(), {graph.input}, {scale});
  const int a = relu("a.relu", conv("a", image, 3, 40, 3, 1));
  const int b = relu("b.relu", conv("b", a, 40, 80, 4, 2));
  const int c = relu("c.relu", conv("c", b, 80, 240, 3, 1));  // sums of more than 512 terms on the way back
  const Window up{.kind = Window::Kind::kScatter, .kernel = 4, .stride = 2, .pad_begin = 1, .pad_end = 1};
  const int d =
      relu("d.relu", graph.AddNode("d", MakeConvTranspose({.rows = up, .columns = up}), {c},
                                   {weights("d.weight", {240, 40, 4, 4}, 240 * 4), bias("d.bias", 40)}));
  graph.output = conv("head", graph.AddNode("join", MakeConcat(), {d, a}), 80, 2, 3, 1);
  return graph;
}

int64_t Count(const Plan& plan, std::string_view kernel) {
  return std::count_if(plan.tensors.begin(), plan.tensors.end(),
                       [&](const TensorPlan& tensor) { return tensor.kernel == kernel; });
}

TEST(WideNetworks, AreExactOnOneDnn) {
  const Graph graph = WideNetwork();
  const auto loss = MakeLoss({.kind = LossKind::kCrossEntropy, .logits = 2});
  const auto image = test::RandomImage(70, 54, 3, 1), labels = test::RandomLabels(70, 54, 2, 1);
  const Sample sample{&image, &labels};
  const StepResult reference = MakeReferenceEngine(graph, *loss, Precision::kFloat64)->Step(sample);
  for (const int64_t strips : {1, 2, 5}) {
    for (const Precision precision : {Precision::kFloat64, Precision::kFloat32}) {
      const auto engine = MakeStreamingEngine(graph, loss.get(), 70, 54,
                                              {.threads = 2, .strips = strips, .precision = precision});
      if (precision == Precision::kFloat32) {
        EXPECT_EQ(Count(engine->plan(), "onednn"), 3);
      }
      for (const GradientError& e : CompareGradients(graph, engine->Step(sample), reference))
        EXPECT_LE(e.relative, precision == Precision::kFloat64 ? 1e-12 : 1e-5)
            << e.parameter << ", " << strips;
    }
  }
}

/// What is multiplied is rounded, too, where the processor multiplies such numbers: weights and gradients.
TEST(WideNetworks, ErrAsRoundingDoesWithBFloat16) {
  const Graph graph = WideNetwork();
  const auto loss = MakeLoss({.kind = LossKind::kCrossEntropy, .logits = 2});
  const auto image = test::RandomImage(70, 54, 3, 1), labels = test::RandomLabels(70, 54, 2, 1);
  const Sample sample{&image, &labels};
  const auto in_core = [&](Precision precision) {
    return MakeReferenceEngine(graph, *loss, precision)->Step(sample);
  };
  const StepResult exact = in_core(Precision::kFloat64);
  const StepResult rounded = in_core(Precision::kBFloat16);
  const double cost = LargestRelative(CompareGradients(graph, rounded, exact));
  for (const int64_t strips : {1, 2, 5}) {
    const auto engine = MakeStreamingEngine(
        graph, loss.get(), 70, 54, {.threads = 1, .strips = strips, .precision = Precision::kBFloat16});
    EXPECT_EQ(Count(engine->plan(), onednn::HasBFloat16() ? kBFloat16Kernel : "onednn"), 3);
    // A value that float32 sums put on the other side of the middle between two is off by a whole step.
    EXPECT_LE(LargestRelative(CompareGradients(graph, engine->Step(sample), rounded)), 0.5 * cost);
  }
}

/// Without a second copy of the weights, and in panels, each with kernels of its own.
TEST(WideNetworks, AreExactWithoutPackedWeightsAndInPanels) {
  const Graph graph = WideNetwork();
  const auto loss = MakeLoss({.kind = LossKind::kCrossEntropy, .logits = 2});
  const auto image = test::RandomImage(46, 26, 3, 3), labels = test::RandomLabels(46, 26, 2, 3);
  const Sample sample{&image, &labels};
  const StepResult reference = MakeReferenceEngine(graph, *loss, Precision::kFloat64)->Step(sample);
  const auto check = [&](const PlanOptions& options) {
    SCOPED_TRACE(testing::Message() << options.panels << " panels, packed " << options.pack_weights);
    const auto engine = MakeStreamingEngine(graph, loss.get(), 46, 26, options);
    for (const GradientError& e : CompareGradients(graph, engine->Step(sample), reference))
      EXPECT_LE(e.relative, options.precision == Precision::kFloat64 ? 1e-12 : 1e-5) << e.parameter;
    return engine->plan();
  };
  for (const int64_t panels : {1, 2, 3}) {
    const Plan packed = check({.threads = 2, .strips = 3, .panels = panels});
    const Plan plain = check({.threads = 2, .strips = 3, .panels = panels, .pack_weights = false});
    EXPECT_EQ(plain.options.panels, panels);
    EXPECT_LT(plain.weight_bytes, packed.weight_bytes);
    EXPECT_EQ(Count(packed, "onednn"), 3);
    EXPECT_EQ(Count(plain, "gemm"), 3);
  }
  check({.threads = 2, .strips = 3, .panels = 3, .precision = Precision::kFloat64});
}

/// Whether threads have strips of their own or share one.
TEST(WideNetworks, SameStripsSameBits) {
  const Graph wide = WideNetwork(), narrow = BuiltInModel("unet-4492", 1);
  struct Case {
    const Graph& graph;
    int64_t width, height, logits;
  };
  // So many columns that rows of the narrow one are shared out, too.
  for (const Case& c : {Case{wide, 640, 40, 2}, Case{narrow, 8192, 64, 1}}) {
    const auto loss =
        MakeLoss({.kind = c.logits == 1 ? LossKind::kBce : LossKind::kCrossEntropy, .logits = c.logits});
    const auto image = test::RandomImage(c.width, c.height, 3, 2),
               labels = test::RandomLabels(c.width, c.height, 2, 2);
    for (const int64_t strips : {1, 3}) {
      std::vector<StepResult> results;
      for (const int64_t threads : {1, 2, 3, 7}) {
        const auto engine = MakeStreamingEngine(c.graph, loss.get(), c.width, c.height,
                                                {.threads = threads, .strips = strips});
        EXPECT_EQ(engine->plan().team, std::max<int64_t>(1, threads / strips));
        results.push_back(engine->Step({&image, &labels}));
        EXPECT_EQ(results.back().gradients, results[0].gradients) << threads << " threads, " << strips;
      }
    }
  }
}

}  // namespace
}  // namespace swath
