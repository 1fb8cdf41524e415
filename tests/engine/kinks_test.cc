/// Networks of which float32 and float64 see most pixels on different sides of a kink: the reference at the
/// kinks of float32 has its gradient.
#include <gtest/gtest.h>

#include "layers/layers.h"
#include "layers/registry.h"
#include "swath/compare.h"
#include "swath/engine.h"
#include "tests/support/float_tolerance.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

constexpr int64_t kWidth = 21, kHeight = 17;

struct Case {
  const char* label;
  std::shared_ptr<const Layer> layer;
  float at = 0;  ///< where its derivative jumps
  std::vector<float> slope = {};
};

std::shared_ptr<const Layer> Make(const char* type) { return FindOperator(type)->make({}, {}); }

std::shared_ptr<const Layer> MakePRelu() {
  const Parameter slope{.name = "slope", .dims = {1}, .values = {0.2f}};
  return FindOperator("PRelu")->make({}, {nullptr, &slope});
}

/// 0.7 · red - 0.7 · red + blue + at, twice, of which rounding the first product leaves a little; then the
/// layer, which makes logits with a weight of 0.01, of pixels or, in core, of the slide.
Graph NetworkOf(const Case& c) {
  Graph graph;
  graph.input = graph.AddTensor("image");
  const auto conv = [&](const std::string& name, int src, int64_t dst, std::vector<float> weights) {
    const int64_t from = static_cast<int64_t>(weights.size()) / dst;
    return graph.AddNode(
        name, MakeConv({}), {src},
        {graph.AddParameter(
            {.name = name + ".weight", .dims = {dst, from, 1, 1}, .values = std::move(weights)})});
  };
  const int first = conv("first", graph.input, 1, {0.7f, 0, 0});
  const int joined = graph.AddNode("join", MakeConcat(), {first, graph.input});
  int tensor = conv("zero", joined, 2, {1, -0.7f, 0, 1, -2, 1.4f, 0, 1});
  const int at = graph.AddParameter({.name = "at", .dims = {1}, .values = {c.at}, .trainable = false});
  tensor = graph.AddNode("move", MakeAdd(), {tensor}, {at});
  std::vector<int> parameters;
  if (!c.slope.empty())
    parameters.push_back(
        graph.AddParameter({.name = "slope", .dims = {1}, .values = c.slope, .trainable = false}));
  tensor = graph.AddNode("kink", c.layer, {tensor}, parameters);
  const int64_t channels = InferShapes(graph, kWidth, kHeight)[static_cast<size_t>(tensor)].channels;
  std::vector<float> last(static_cast<size_t>(channels), 0.01f);
  graph.output = conv("last", tensor, 1, last);
  return graph;
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.label; }

class Kinks : public testing::TestWithParam<Case> {};

TEST_P(Kinks, AreTakenAsFloat32TakesThem) {
  const Graph graph = NetworkOf(GetParam());
  test::MemoryImage image = test::RandomImage(kWidth, kHeight, 3, 3);
  for (size_t i = 2; i < image.pixels().size(); i += 3) image.pixels()[i] = image.pixels()[i] < 32 ? 16 : 0;
  const auto labels = test::RandomLabels(kWidth, kHeight, 2, 4);
  const bool slide = InCore(graph)[static_cast<size_t>(graph.output)];
  const auto loss = MakeLoss({});
  const auto slide_loss = MakeSlideLoss({});
  const Objective objective = slide ? Objective(slide_loss.get()) : Objective(loss.get());
  const Sample sample{.image = &image, .labels = slide ? nullptr : &labels, .target = {1}};
  const test::FloatReference reference = test::MakeFloatReference(graph, objective, sample);
  const StepResult wide = MakeReferenceEngine(graph, objective, Precision::kFloat64)->Step(sample);
  EXPECT_EQ(wide.sides, 0);
  EXPECT_GT(reference.exact.sides, slide ? 0 : kWidth * kHeight / 4);
  for (const int64_t strips : {1, 4}) {
    const StepResult narrow =
        MakeStreamingEngine(graph, objective, kWidth, kHeight, {.strips = strips})->Step(sample);
    test::ExpectFloatTolerance(graph, narrow, reference);
    EXPECT_GE(LargestRelative(CompareGradients(graph, narrow, wide)), 1e-2) << "nothing to tell apart";
  }
}

INSTANTIATE_TEST_SUITE_P(
    , Kinks,
    testing::Values(Case{"Abs", Make("Abs")}, Case{"Clip_min", MakeClip(-0.5, 6), -0.5f},
                    Case{"Clip_max", MakeClip(-0.5, 6), 6}, Case{"Elu", MakeElu(0.3)},
                    Case{"GlobalMaxPool", MakeGlobalReduce({.kind = ReduceKind::kMax, .pool = true})},
                    Case{"HardSigmoid", MakeHardSigmoid(0.25, 0.5), 2},
                    Case{"HardSwish_low", Make("HardSwish"), -3},
                    Case{"HardSwish_high", Make("HardSwish"), 3}, Case{"LeakyRelu", MakeLeakyRelu(0.1)},
                    Case{"MaxPool", MakeMaxPool({{.kernel = 3, .pad_begin = 1, .pad_end = 1},
                                                 {.kernel = 3, .pad_begin = 1, .pad_end = 1}})},
                    Case{"PRelu", MakePRelu(), 0, {0.2f}},
                    Case{"ReduceMax_of_channels", MakeChannelReduce(ReduceKind::kMax)},
                    Case{"Relu", MakeRelu()}, Case{"Selu", MakeSelu(1.6, 1.05)}),
    [](const testing::TestParamInfo<Case>& test) { return std::string(test.param.label); });

}  // namespace
}  // namespace swath
