#include "graph/metadata.h"

#include <gtest/gtest.h>

#include "layers/layers.h"
#include "swath/error.h"
#include "swath/model.h"

namespace swath {
namespace {

/// A pooling by 2: one channel of output for each of input.
Graph Pool(int64_t channels) {
  Graph graph;
  graph.input_channels = channels;
  graph.input = graph.AddTensor("image");
  const Window window = {.kernel = 2, .stride = 2};
  graph.output = graph.AddNode("pool", MakeMaxPool({.rows = window, .columns = window}), {graph.input});
  return graph;
}

template <class Function>
std::string Message(Function function) {
  try {
    function();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.what();
  }
  return "";
}

TEST(Metadata, HasDefaults) {
  EXPECT_EQ(ModelClasses(Pool(1)), (std::vector<std::string>{"background", "foreground"}));
  EXPECT_EQ(ModelClasses(Pool(3)), (std::vector<std::string>{"class0", "class1", "class2"}));
  EXPECT_EQ(ModelExtension(Pool(1)), 255);
  EXPECT_EQ(ModelMultiple(Pool(1)), 2);
  EXPECT_FALSE(ModelMpp(Pool(1)));
}

TEST(Metadata, IsRead) {
  Graph graph = Pool(1);
  graph.metadata = {{"swath.classes", "glass, tissue"},
                    {"swath.extension", "7"},
                    {"swath.multiple", "32"},
                    {"swath.mpp", "0.2523"}};
  EXPECT_EQ(ModelClasses(graph), (std::vector<std::string>{"glass", "tissue"}));
  EXPECT_EQ(ModelExtension(graph), 7);
  EXPECT_EQ(ModelMultiple(graph), 32);
  EXPECT_EQ(ModelMpp(graph), 0.2523);
}

TEST(Metadata, APixelSizeIsKeptToTheBitOrTakenAway) {
  Graph graph = Pool(1);
  for (const double mpp : {1.0, 0.1 + 0.2, 1.0 / 3}) {
    SetModelMpp(mpp, &graph);
    EXPECT_EQ(ModelMpp(graph), mpp);
  }
  SetModelMpp(1, &graph);
  EXPECT_EQ(graph.metadata.at("swath.mpp"), "1");
  SetModelMpp(std::nullopt, &graph);
  EXPECT_TRUE(graph.metadata.empty());
}

TEST(Metadata, APixelSizeIsANumberAbove0) {
  for (const char* text : {"", "0", "-1", "inf", "nan", "0.5 um", "0,5"}) {
    Graph graph = Pool(1);
    graph.metadata["swath.mpp"] = text;
    EXPECT_EQ(Message([&] { CheckMetadata(graph); }),
              "metadata swath.mpp is '" + std::string(text) + "', expected micrometres a pixel, above 0");
  }
}

TEST(Metadata, OfTheBuiltInNetworks) {
  for (const std::string& name : BuiltInModelNames()) {
    const Graph graph = BuiltInModel(name, 1);
    EXPECT_EQ(ModelClasses(graph), (std::vector<std::string>{"background", "tissue"}));
    EXPECT_EQ(ModelExtension(graph), 255);
    EXPECT_EQ(ModelMultiple(graph), TotalStride(graph));
    CheckMetadata(graph);
  }
}

TEST(Metadata, ClassesMustFitTheOutput) {
  Graph graph = Pool(1);
  graph.metadata["swath.classes"] = "a,b,c";
  EXPECT_EQ(Message([&] { ModelClasses(graph); }),
            "metadata swath.classes is 'a,b,c', expected 2 names for 1 output channel");
  graph.metadata["swath.classes"] = "a,a";
  EXPECT_EQ(Message([&] { ModelClasses(graph); }),
            "metadata swath.classes is 'a,a', expected distinct names that are not empty");
  graph.metadata["swath.classes"] = "a,";
  EXPECT_NE(Message([&] { ModelClasses(graph); }), "");
}

TEST(Metadata, NumbersMustBeWholeAndInRange) {
  for (const char* text : {"256", "-1", "", "white", "12.5", " 3", "99999999999999999999"}) {
    Graph graph = Pool(1);
    graph.metadata["swath.extension"] = text;
    EXPECT_EQ(Message([&] { ModelExtension(graph); }), "metadata swath.extension is '" + std::string(text) +
                                                           "', expected a whole number from 0 to 255");
  }
  Graph graph = Pool(1);
  graph.metadata["swath.multiple"] = "0";
  EXPECT_EQ(Message([&] { ModelMultiple(graph); }),
            "metadata swath.multiple is '0', expected a whole number from 1 to 1073741824");
  graph.metadata = {{"swath.version", "2"}};
  EXPECT_EQ(Message([&] { CheckMetadata(graph); }),
            "metadata swath.version is '2', expected a whole number from 1 to 1");
}

TEST(Metadata, ListsOfNamesMayHoldAnyName) {
  const std::vector<std::string> names = {"plain", "with,comma", "100%", "%2C", "a,%25,b"};
  EXPECT_EQ(FormatNames(names), "plain,with%2Ccomma,100%25,%252C,a%2C%2525%2Cb");
  EXPECT_EQ(ParseNames(FormatNames(names)), names);
  EXPECT_TRUE(ParseNames("").empty());
}

}  // namespace
}  // namespace swath
