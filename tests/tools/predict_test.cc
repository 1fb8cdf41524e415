/// `swath predict`, as it is run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "swath/graph.h"
#include "swath/model.h"
#include "swath/slide.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PredictTest : public testing::Test {
 protected:
  PredictTest() {
    ExportOnnx(BuiltInModel("unet-4492", 1), model_);
    test::WritePng(folder_.File("a, \"slide\".png"), 90, 70, 3,
                   [](int64_t x, int64_t y, int64_t c) { return (x * x + 3 * y * (c + 1) + x * y) % 251; });
  }

  test::Outcome Predict(std::vector<std::string> options) const {
    options.insert(options.begin(), {"predict", slide_, "--model", model_, "--out", folder_.File("maps")});
    return test::RunProgram(options);
  }
  std::string Result(const std::string& ending) const { return folder_.File("maps/a, \"slide\"" + ending); }

  static std::vector<uint8_t> Labels(const std::string& path) {
    const SlideLevel size = Slide::Open(path)->info().levels.front();
    std::vector<uint8_t> labels(static_cast<size_t>(size.width * size.height));
    OpenMask(path, size.width, size.height)->Read({0, size.height}, labels.data());
    return labels;
  }

  TemporaryFolder folder_;
  std::string model_ = folder_.File("unet.onnx");
  std::string slide_ = folder_.File("a, \"slide\".png");
};

/// Outlines that are not simplified are the mask.
TEST_F(PredictTest, OutlinesAreThoseOfTheMask) {
  const test::Outcome outcome = Predict({"--simplify", "0"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::vector<std::string> classes = ModelClasses(LoadModel(model_, 1));
  const test::Outcome converted =
      test::RunProgram({"annotate", "convert", Result(".geojson"), "--slide", slide_, "-o",
                        folder_.File("again.png"), "--classes", classes[0] + "," + classes[1]});
  ASSERT_EQ(converted.status, 0) << converted.err;
  EXPECT_EQ(Labels(folder_.File("again.png")), Labels(Result("_mask.ome.tif")));
}

/// Of a region they lie where it does.
TEST_F(PredictTest, OutlinesOfARegionLieInTheSlide) {
  const test::Outcome outcome = Predict({"--simplify", "0", "--region", "7,5,80,64"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto outlines = nlohmann::json::parse(test::ReadFile(Result("_7_5_80x64.geojson")));
  double left = 1e9, top = 1e9, right = 0, bottom = 0;
  for (const auto& feature : outlines["features"]) {
    for (const auto& p : feature["geometry"]["coordinates"][0]) {
      left = std::min(left, p[0].get<double>()), right = std::max(right, p[0].get<double>());
      top = std::min(top, p[1].get<double>()), bottom = std::max(bottom, p[1].get<double>());
    }
  }
  EXPECT_GE(left, 7);
  EXPECT_GE(top, 5);
  EXPECT_LE(right, 87);
  EXPECT_LE(bottom, 69);
  EXPECT_GT(right, 80);
}

TEST_F(PredictTest, TheTableAndJsonCountThePixelsOfTheMask) {
  const test::Outcome outcome = Predict({"--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  const std::vector<uint8_t> labels = Labels(Result("_mask.ome.tif"));
  ASSERT_EQ(json["classes"].size(), 2u);
  double probability = 0;
  for (int c = 0; c < 2; ++c) {
    EXPECT_GT(json["classes"][c]["pixels"], 0);
    EXPECT_EQ(json["classes"][c]["pixels"], std::count(labels.begin(), labels.end(), c));
    EXPECT_FALSE(json["classes"][c].contains("mm2")) << "the slide does not say how large its pixels are";
    probability += json["classes"][c]["mean_probability"].get<double>();
  }
  EXPECT_NEAR(probability, 1, 1e-9);
  for (const std::string file : json["files"]) EXPECT_TRUE(std::filesystem::exists(file)) << file;
  const std::string table = test::ReadFile(folder_.File("maps/summary.csv"));
  EXPECT_THAT(table, testing::StartsWith("slide,class,pixels,fraction,mm2,areas,mean_probability\n"
                                         "\"a, \"\"slide\"\"\","));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 3);
}

TEST_F(PredictTest, ThePixelSizeMayBeStated) {
  const test::Outcome outcome = Predict({"--json", "--slide-mpp", "0.5"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_NEAR(json["classes"][0]["mm2"], json["classes"][0]["pixels"].get<double>() * 0.25e-6, 1e-9);
  EXPECT_EQ(Slide::Open(Result("_mask.ome.tif"))->info().mpp_x, 0.5);
}

/// A slide whose pixels turn out to be damaged keeps no other from being predicted.
TEST_F(PredictTest, ADamagedSlideDoesNotEndAFolder) {
  std::filesystem::create_directory(folder_.File("folder"));
  const std::string whole = test::ReadFile(slide_);
  const auto write = [&](const std::string& name, size_t bytes) {
    test::WriteFile(folder_.File("folder/" + name + ".png"), whole.substr(0, bytes));
  };
  write("a", whole.size());
  write("b", whole.size() / 2);
  write("c", whole.size());
  slide_ = folder_.File("folder");
  const test::Outcome some = Predict({});
  EXPECT_EQ(some.status, 3);
  EXPECT_THAT(some.err, HasSubstr("swath: " + folder_.File("folder/b.png") + ": "));
  EXPECT_THAT(some.err, HasSubstr("swath: 1 of 3 slides could not be predicted; " +
                                  folder_.File("maps/summary.csv") + " has the others\n"));
  const std::string table = test::ReadFile(folder_.File("maps/summary.csv"));
  EXPECT_THAT(table, AllOf(HasSubstr("\na,tissue,"), HasSubstr("\nc,tissue,"), Not(HasSubstr("\nb,"))));
  for (const auto& file : std::filesystem::directory_iterator(folder_.File("maps")))
    EXPECT_NE(file.path().filename().string()[0], 'b') << file.path();
  std::filesystem::remove_all(folder_.File("maps"));
  write("a", whole.size() / 2);
  write("c", whole.size() / 2);
  const test::Outcome none = Predict({});
  EXPECT_EQ(none.status, 3);
  EXPECT_THAT(none.err, HasSubstr("swath: none of 3 slides could be predicted\n"));
  EXPECT_TRUE(std::filesystem::is_empty(folder_.File("maps")));
  // Of a single one there is one line.
  slide_ = folder_.File("folder/a.png");
  const test::Outcome one = Predict({});
  EXPECT_EQ(one.status, 3);
  EXPECT_THAT(one.err, Not(HasSubstr("could be predicted")));
}

TEST_F(PredictTest, OutlinesMayBeLeftOut) {
  EXPECT_EQ(Predict({"--no-outlines"}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(Result(".geojson")));
  EXPECT_THAT(Predict({"--no-outlines", "--simplify", "2"}).err, HasSubstr("--no-outlines"));
}

}  // namespace
}  // namespace swath
