#include "train/output_bias.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(OutputBiasTest, ABinaryNetworkStartsAtTheLogOdds) {
  Graph graph = test::SmallNetwork();
  const std::vector<float>& bias = graph.parameters.back().values;
  SetPriorBias({899, 99}, {}, &graph);
  EXPECT_FLOAT_EQ(bias[0], std::log(1.0f / 9));
  SetPriorBias({899, 99}, {1, 3}, &graph);
  EXPECT_FLOAT_EQ(bias[0], std::log(3.0f / 9));
  SetPriorBias({100, 0}, {}, &graph);
  EXPECT_FLOAT_EQ(bias[0], -std::log(101.0f));
  SetPriorBias({100, 50}, {0, 1}, &graph);  // a class that counts for nothing has no odds
  EXPECT_FLOAT_EQ(bias[0], -std::log(101.0f));
}

TEST(OutputBiasTest, SeveralClassesStartAtTheirShares) {
  Graph graph = test::SmallNetwork(3);
  SetPriorBias({49, 29, 19}, {}, &graph);
  EXPECT_THAT(graph.parameters.back().values,
              ElementsAre(testing::FloatEq(std::log(0.5f)), testing::FloatEq(std::log(0.3f)),
                          testing::FloatEq(std::log(0.2f))));
}

TEST(OutputBiasTest, CountsTheTrainingLabels) {
  const TemporaryFolder folder;
  test::WriteSlide(folder, "a", 32, 32, 1);
  const auto open = [&](const std::function<uint8_t(int64_t, int64_t, int64_t)>& label) {
    test::WritePng(folder.File("mask.png"), 32, 32, 1, label);
    test::WriteFile(folder.File("slides.csv"),
                    "slide,mask,split\na.png,mask.png,train\na.png,a_mask.png,val\n");
    return OpenDataset(folder.File("slides.csv"));
  };
  const Dataset good = open([](int64_t x, int64_t y, int64_t) { return y < 8 ? 255 : x < 8 ? 1 : 0; });
  EXPECT_THAT(CountLabels(good, Split::kTrain, 2, 255), ElementsAre(24 * 24, 24 * 8));
  const Dataset strange = open([](int64_t x, int64_t, int64_t) { return x == 31 ? 4 : 0; });
  EXPECT_THAT([&] { CountLabels(strange, Split::kTrain, 3, 255); },
              ThrowsMessage<Error>(
                  HasSubstr("has the label 4, expected 0 to 2 (the network's classes) or 255 (ignored)")));
  const Dataset empty = open([](int64_t, int64_t, int64_t) { return 255; });
  EXPECT_THAT([&] { CountLabels(empty, Split::kTrain, 2, 255); },
              ThrowsMessage<Error>(HasSubstr("no pixel carries a label")));
}

}  // namespace
}  // namespace swath
