#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "layers/layer.h"
#include "swath/error.h"
#include "swath/model.h"

namespace swath {
namespace {

struct Published {
  const char* name;
  int64_t parameters;  ///< trainable
};

class PublishedCounts : public testing::TestWithParam<Published> {};

TEST_P(PublishedCounts, AreMet) {
  EXPECT_EQ(BuiltInModel(GetParam().name, 1).trainable_size(), GetParam().parameters);
}

// Classification networks as torchvision's documentation has them, of 1000 classes. U-Nets: the PyTorch
// version that most people use, of three channels with batch normalisation, has 31,037,698 for two outputs
// (31,043,586 where its convolutions have needless biases, 5,888 of them).
INSTANTIATE_TEST_SUITE_P(Of, PublishedCounts,
                         testing::Values(Published{"resnet-18:outputs=1000", 11'689'512},
                                         Published{"resnet-34:outputs=1000", 21'797'672},
                                         Published{"resnet-50:outputs=1000", 25'557'032},
                                         Published{"mobilenet-v2:outputs=1000", 3'504'872},
                                         Published{"convnext-tiny:outputs=1000", 28'589'128},
                                         Published{"unet", 31'031'745},
                                         Published{"unet:norm=batch", 31'037'633},
                                         Published{"unet:norm=batch,outputs=2", 31'037'698},
                                         Published{"unet:base=4,depth=2", 7469}));

/// From the layers alone: pairs of 3 x 3 convolutions, 2 x 2 transposed ones, a head.
int64_t CountUnet(int64_t base, int64_t depth) {
  const auto pair = [](int64_t src, int64_t dst) { return 9 * src * dst + dst + 9 * dst * dst + dst; };
  int64_t count = pair(3, base) + base + 1;
  for (int64_t level = 0; level < depth; ++level) {
    const int64_t c = base << level;
    count += pair(c, 2 * c) + 4 * 2 * c * c + c + pair(2 * c, c);
  }
  return count;
}

TEST(Unet, HasTheParametersOfItsFormulaAtAnySize) {
  for (const int64_t depth : {1, 3, 6}) {
    for (const int64_t base : {1, 6}) {
      const Graph graph = BuiltInModel(fmt::format("unet:depth={},base={}", depth, base), 1);
      EXPECT_EQ(graph.trainable_size(), CountUnet(base, depth));
      EXPECT_EQ(ModelMultiple(graph), int64_t{1} << depth);
    }
  }
}

TEST(Unet, TakesEveryNormalisationAndWayUp) {
  for (const char* norm : {"none", "batch", "group", "instance"}) {
    for (const char* up : {"transpose", "resize"}) {
      const Graph graph = BuiltInModel(fmt::format("unet:depth=2,base=6,norm={},up={}", norm, up), 1);
      CheckPixelLogits(graph, 64, 32);
      std::map<std::string_view, int> types;
      for (const Node& node : graph.nodes) ++types[node.layer->type()];
      EXPECT_EQ(types["BatchNormalization"], norm == std::string("batch") ? 10 : 0);
      EXPECT_EQ(types["GroupNormalization"], norm == std::string("group") ? 10 : 0);
      EXPECT_EQ(types["InstanceNormalization"], norm == std::string("instance") ? 10 : 0);
      EXPECT_EQ(types["ConvTranspose"], up == std::string("transpose") ? 2 : 0);
      EXPECT_EQ(types["Resize"], up == std::string("resize") ? 2 : 0);
    }
  }
}

TEST(Architectures, NameParametersAsTorchvisionDoes) {
  const auto dims = [](const Graph& graph, const std::string& name) {
    for (const Parameter& parameter : graph.parameters) {
      if (parameter.name == name) return parameter.dims;
    }
    ADD_FAILURE() << graph.name << " has no " << name;
    return std::vector<int64_t>{};
  };
  using Dims = std::vector<int64_t>;
  const Graph resnet18 = BuiltInModel("resnet-18", 1), resnet50 = BuiltInModel("resnet-50", 1);
  EXPECT_EQ(dims(resnet18, "conv1.weight"), (Dims{64, 3, 7, 7}));
  EXPECT_EQ(dims(resnet18, "bn1.running_var"), (Dims{64}));
  EXPECT_EQ(dims(resnet18, "layer2.0.downsample.0.weight"), (Dims{128, 64, 1, 1}));
  EXPECT_EQ(dims(resnet18, "layer2.0.downsample.1.running_mean"), (Dims{128}));
  EXPECT_EQ(dims(resnet18, "layer4.1.conv2.weight"), (Dims{512, 512, 3, 3}));
  EXPECT_EQ(dims(resnet18, "fc.weight"), (Dims{1, 512}));
  EXPECT_EQ(dims(resnet50, "layer1.0.downsample.0.weight"), (Dims{256, 64, 1, 1}));
  EXPECT_EQ(dims(resnet50, "layer4.2.conv3.weight"), (Dims{2048, 512, 1, 1}));
  const Graph mobilenet = BuiltInModel("mobilenet-v2", 1);
  EXPECT_EQ(dims(mobilenet, "features.0.1.running_mean"), (Dims{32}));
  EXPECT_EQ(dims(mobilenet, "features.1.conv.1.weight"), (Dims{16, 32, 1, 1}));
  EXPECT_EQ(dims(mobilenet, "features.2.conv.1.0.weight"), (Dims{96, 1, 3, 3}));
  EXPECT_EQ(dims(mobilenet, "features.17.conv.3.bias"), (Dims{320}));
  EXPECT_EQ(dims(mobilenet, "features.18.0.weight"), (Dims{1280, 320, 1, 1}));
  EXPECT_EQ(dims(mobilenet, "classifier.1.weight"), (Dims{1, 1280}));
  const Graph convnext = BuiltInModel("convnext-tiny", 1);
  EXPECT_EQ(dims(convnext, "features.0.1.bias"), (Dims{96}));
  EXPECT_EQ(dims(convnext, "features.1.0.layer_scale"), (Dims{96, 1, 1}));
  EXPECT_EQ(dims(convnext, "features.4.1.weight"), (Dims{384, 192, 2, 2}));
  EXPECT_EQ(dims(convnext, "features.5.8.block.0.weight"), (Dims{384, 1, 7, 7}));
  EXPECT_EQ(dims(convnext, "features.7.2.block.5.weight"), (Dims{768, 3072, 1, 1}));
  EXPECT_EQ(dims(convnext, "classifier.0.weight"), (Dims{768}));
  EXPECT_EQ(dims(convnext, "classifier.2.bias"), (Dims{1}));
}

TEST(Architectures, HaveTheHeadsThatAreAskedFor) {
  for (const char* name : {"resnet-18", "mobilenet-v2", "convnext-tiny"}) {
    for (const char* head : {"average", "max", "lse", "attention"}) {
      const Graph graph = BuiltInModel(fmt::format("{}:head={}", name, head), 1, {"a", "b", "c"});
      SCOPED_TRACE(graph.name);
      EXPECT_TRUE(InCore(graph)[static_cast<size_t>(graph.output)]);
      EXPECT_EQ(OutputChannels(graph), 3);
      EXPECT_EQ(ModelClasses(graph), (std::vector<std::string>{"a", "b", "c"}));
      EXPECT_EQ(ModelMultiple(graph), 32);
      EXPECT_EQ(graph.metadata.at("swath.output"), "slide-logits");
      InferShapes(graph, 70, 67);
    }
    const Graph map = BuiltInModel(fmt::format("{}:head=segmentation", name), 1, {"a", "b", "c"});
    EXPECT_EQ(map.metadata.at("swath.output"), "logits");
    EXPECT_EQ(OutputChannels(map), 3);
    CheckPixelLogits(map, 96, 64);
  }
}

TEST(Architectures, NumberOfOutputsMayBeAnother) {
  const Graph graph = BuiltInModel("resnet-18:outputs=5,head=max", 1);
  EXPECT_EQ(OutputChannels(graph), 5);
  EXPECT_EQ(ModelClasses(graph).size(), 5u);
  EXPECT_EQ(graph.metadata.count("swath.classes"), 0u);
  EXPECT_EQ(ModelClasses(BuiltInModel("resnet-18:outputs=1", 1)).back(), "tissue");
}

TEST(Architectures, WeightsAreNormalOfHesVariance) {
  const Graph graph = BuiltInModel("resnet-18", 3);
  for (const Parameter& parameter : graph.parameters) {
    if (parameter.name != "layer3.0.conv2.weight") continue;
    double sum = 0, squares = 0;
    for (const double w : parameter.values) {
      sum += w;
      squares += w * w;
    }
    const double n = static_cast<double>(parameter.size()), variance = 2.0 / (9 * 256);
    EXPECT_NEAR(sum / n, 0, 5 * std::sqrt(variance / n));
    EXPECT_NEAR(squares / n, variance, 0.02 * variance);
  }
  EXPECT_EQ(graph.parameters[2].values, BuiltInModel("resnet-18", 3).parameters[2].values);
  EXPECT_NE(graph.parameters[2].values, BuiltInModel("resnet-18", 4).parameters[2].values);
}

TEST(Architectures, AreKnownWithOptions) {
  EXPECT_TRUE(IsBuiltInModel("unet:depth=3"));
  EXPECT_TRUE(IsBuiltInModel("unet:nonsense"));
  EXPECT_FALSE(IsBuiltInModel("unets:depth=3"));
  EXPECT_FALSE(IsBuiltInModel("unet.onnx"));
}

TEST(Architectures, RefuseOptionsInOneLine) {
  const std::map<std::string, std::string> messages = {
      {"unet:depth=7", "unet: option depth is '7', expected a whole number from 1 to 6"},
      {"unet:depth=two", "unet: option depth is 'two', expected a whole number from 1 to 6"},
      {"unet:norm=layer", "unet: option norm is 'layer', expected one of none, batch, group, instance"},
      {"unet:width=3", "unet: no option is named 'width'; there are depth, base, norm, up, outputs"},
      {"unet:depth", "unet: option 'depth', expected name=value"},
      {"unet:", "unet: option '', expected name=value"},
      {"unet:depth=3,depth=3", "unet: option depth is given twice"},
      {"unet:base=1024,depth=6",
       "unet: base 1024 and depth 6 make 65536 channels at the bottom, expected at most 4096"},
      {"resnet-18:head=mean",
       "resnet-18: option head is 'mean', expected one of average, max, lse, attention, segmentation"},
      {"resnet-18:outputs=0", "resnet-18: option outputs is '0', expected a whole number from 1 to 65536"},
      {"pixel-mlp:depth=1", "pixel-mlp: option 'depth', expected none"}};
  for (const auto& [name, message] : messages) {
    try {
      BuiltInModel(name, 1);
      ADD_FAILURE() << name;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUsage);
      EXPECT_EQ(e.what(), message);
    }
  }
}

}  // namespace
}  // namespace swath
