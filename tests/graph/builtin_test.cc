#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "graph/initialise.h"
#include "layers/layer.h"
#include "swath/error.h"
#include "swath/model.h"

namespace swath {
namespace {

TEST(BuiltIn, Unet4492HasTheParametersOfItsTable) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  EXPECT_EQ(graph.trainable_size(), 4492);
  std::map<std::string, int64_t> counts;
  for (const Node& node : graph.nodes) {
    for (const int index : node.parameters) {
      const Parameter& parameter = graph.parameters[static_cast<size_t>(index)];
      if (parameter.trainable) counts[node.name] += parameter.size();
    }
  }
  const std::map<std::string, int64_t> table = {{"e1", 386},  {"e2", 258}, {"e3", 1032}, {"b", 72},
                                                {"d3", 1026}, {"d2", 514}, {"d1", 1028}, {"head", 176}};
  EXPECT_EQ(counts, table);
}

TEST(BuiltIn, MoreThanTwoClassesHaveALogitEach) {
  const Graph graph = BuiltInModel("unet-4492", 1, {"glass", "tumour", "loose stroma"});
  EXPECT_EQ(OutputChannels(graph), 3);
  EXPECT_EQ(graph.trainable_size(), 4492 + 2 * 176);
  EXPECT_EQ(ModelClasses(graph), (std::vector<std::string>{"glass", "tumour", "loose stroma"}));
  EXPECT_THROW(BuiltInModel("unet-4492", 1, {"one"}), Error);
  EXPECT_THROW(BuiltInModel("unet-4492", 1, {"a", "a"}), Error);
  EXPECT_THROW(BuiltInModel("unet-4492", 1, {"a", "b,c"}), Error);
}

TEST(BuiltIn, Unet4492HasTheShapesOfItsTable) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  EXPECT_EQ(TotalStride(graph), 64);
  const std::vector<Shape> shapes = InferShapes(graph, 640, 1280);
  std::map<std::string, Shape> by_node;
  for (const Node& node : graph.nodes) by_node[node.name] = shapes[static_cast<size_t>(node.dst)];
  EXPECT_EQ(by_node["e1"], (Shape{2, 320, 160}));
  EXPECT_EQ(by_node["e2"], (Shape{2, 80, 40}));
  EXPECT_EQ(by_node["e3"], (Shape{8, 20, 10}));
  EXPECT_EQ(by_node["b"], (Shape{8, 20, 10}));
  EXPECT_EQ(by_node["d3"], (Shape{2, 80, 40}));
  EXPECT_EQ(by_node["join2"], (Shape{4, 80, 40}));
  EXPECT_EQ(by_node["d2"], (Shape{2, 320, 160}));
  EXPECT_EQ(by_node["join1"], (Shape{4, 320, 160}));
  EXPECT_EQ(by_node["d1"], (Shape{4, 1280, 640}));
  EXPECT_EQ(by_node["join0"], (Shape{7, 1280, 640}));
  EXPECT_EQ(shapes[static_cast<size_t>(graph.output)], (Shape{1, 1280, 640}));
}

TEST(BuiltIn, JoinsComeInTheOrderOfTheDesign) {
  const Graph graph = BuiltInModel("unet-4492", 1);
  std::map<std::string, const Node*> nodes;
  std::map<int, std::string> writers;
  for (const Node& node : graph.nodes) {
    nodes[node.name] = &node;
    writers[node.dst] = node.name;
  }
  const auto srcs = [&](const char* name) {
    std::vector<std::string> names;
    for (const int src : nodes.at(name)->srcs) names.push_back(writers.at(src));
    return names;
  };
  EXPECT_EQ(srcs("join2"), (std::vector<std::string>{"d3.relu", "e2.relu"}));
  EXPECT_EQ(srcs("join1"), (std::vector<std::string>{"d2.relu", "e1.relu"}));
  EXPECT_EQ(srcs("join0"), (std::vector<std::string>{"d1.relu", "normalise.scale"}));
}

TEST(BuiltIn, PixelMlpSeesOnePixel) {
  const Graph graph = BuiltInModel("pixel-mlp", 1);
  EXPECT_EQ(graph.trainable_size(), 3 * 16 + 16 + 16 * 16 + 16 + 16 + 1);
  EXPECT_EQ(TotalStride(graph), 1);
  EXPECT_EQ(InferShapes(graph, 1, 1)[static_cast<size_t>(graph.output)], (Shape{1, 1, 1}));
}

TEST(BuiltIn, WeightsDependOnTheSeedAlone) {
  const Graph a = BuiltInModel("unet-4492", 5), b = BuiltInModel("unet-4492", 5),
              c = BuiltInModel("unet-4492", 6);
  for (size_t i = 0; i < a.parameters.size(); ++i) EXPECT_EQ(a.parameters[i].values, b.parameters[i].values);
  EXPECT_NE(a.parameters[2].values, c.parameters[2].values);
}

TEST(BuiltIn, RefusesOtherNames) {
  try {
    BuiltInModel("resnet", 1);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    EXPECT_STREQ(e.what(),
                 "no built-in model is named 'resnet'; there are unet-4492, pixel-mlp, unet, resnet-18, "
                 "resnet-34, resnet-50, mobilenet-v2, convnext-tiny");
  }
}

/// Sums over the taps of one phase of one filter: of the weights, and of their squares.
TEST(Initialise, EveryPhaseOfAFilterReturnsPlusOrMinusTheLevel) {
  SplitMix64 random(3);
  const FilterBank bank = {
      .dst_channels = 2, .src_channels = 4, .kernel = 8, .stride = 4, .texture_norm = std::sqrt(2)};
  const std::vector<float> weights = DrawFilters(bank, &random);
  ASSERT_EQ(weights.size(), 512u);
  for (size_t dst = 0; dst < 2; ++dst) {
    for (size_t phase = 0; phase < 16; ++phase) {
      double sum = 0, squares = 0;
      for (size_t i = 0; i < 256; ++i) {
        if (i / 8 % 4 != phase / 4 || i % 4 != phase % 4) continue;
        const double w = weights[dst * 256 + i];
        sum += w;
        squares += w * w;
      }
      EXPECT_NEAR(sum, dst == 0 ? 1 : -1, 1e-6);
      EXPECT_NEAR(squares, 2 + 1.0 / 16, 1e-6);
    }
  }
}

TEST(Initialise, TexturesOfChannelsAreOrthogonal) {
  SplitMix64 random(3);
  const FilterBank bank = {.dst_channels = 16, .src_channels = 17, .kernel = 1, .level_gain = 0};
  const std::vector<float> weights = DrawFilters(bank, &random);
  for (size_t a = 0; a < 16; ++a) {
    for (size_t b = 0; b < 16; ++b) {
      double dot = 0;
      for (size_t i = 0; i < 17; ++i) dot += double{weights[a * 17 + i]} * weights[b * 17 + i];
      EXPECT_NEAR(dot, a == b ? 1 : 0, 1e-6);
    }
  }
}

/// Runs the reference over a whole image.
std::vector<Tensor> Forward(const Graph& graph, Tensor image) {
  const std::vector<Shape> shapes = InferShapes(graph, image.shape.width, image.shape.height);
  std::vector<Tensor> tensors(graph.tensors.size());
  tensors[static_cast<size_t>(graph.input)] = std::move(image);
  for (const Node& node : graph.nodes) {
    ReferenceArgs args;
    for (const int src : node.srcs) args.srcs.push_back(&tensors[static_cast<size_t>(src)]);
    for (const int p : node.parameters) args.parameters.push_back(&graph.parameters[static_cast<size_t>(p)]);
    Tensor dst(shapes[static_cast<size_t>(node.dst)]);
    node.layer->ReferenceForward(args, &dst);
    tensors[static_cast<size_t>(node.dst)] = std::move(dst);
  }
  return tensors;
}

/// White glass with a stained, speckled disc.
Tensor Disc(uint64_t seed) {
  SplitMix64 random(seed);
  Tensor image({3, 128, 128});
  const double stain[3] = {190, 110, 170};
  for (int64_t y = 0; y < 128; ++y) {
    for (int64_t x = 0; x < 128; ++x) {
      const bool tissue = (y - 64) * (y - 64) + (x - 60) * (x - 60) < 45 * 45;
      const double speckle = 40 * random.Uniform() - 20;
      for (int64_t c = 0; c < 3; ++c) image.Row(c, y)[x] = tissue ? stain[c] + speckle : 243 + speckle / 5;
    }
  }
  return image;
}

TEST(Initialise, NoChannelOfUnet4492IsSilentForAnySeed) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = BuiltInModel("unet-4492", seed);
    const std::vector<Tensor> tensors = Forward(graph, Disc(seed));
    for (const Node& node : graph.nodes) {
      if (node.layer->type() != "Relu") continue;
      const Tensor& tensor = tensors[static_cast<size_t>(node.dst)];
      const int64_t area = tensor.shape.height * tensor.shape.width;
      for (int64_t c = 0; c < tensor.shape.channels; ++c) {
        const double* values = tensor.Row(c, 0);
        const auto active = std::count_if(values, values + area, [](double v) { return v > 0; });
        EXPECT_GE(active, area / 10) << node.name << " channel " << c << " of seed " << seed;
      }
    }
  }
}

}  // namespace
}  // namespace swath
