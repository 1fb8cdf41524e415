/// `swath tissue`, and training on tissue alone.
#include "swath/tissue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "swath/annotation.h"
#include "swath/model.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TissueTest : public ::testing::Test {
 protected:
  TissueTest() {
    const auto made = test::RunProgram({"synth", folder_.File("data"), "--slides", "2", "--size", "800x600",
                                        "--val", "1", "--test", "0", "--mpp", "2"});
    EXPECT_EQ(made.status, 0) << made.err;
  }

  test::Outcome Train(const std::string& run, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {
        "train", "--data", folder_.File("data/slides.csv"), "--out", folder_.File(run), "--steps", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::RunProgram(arguments);
  }

  TemporaryFolder folder_;
};

TEST_F(TissueTest, WritesOutlinesThatAreReadAsTheSameTissue) {
  const std::string slide = folder_.File("data/slide_000.tif"), out = folder_.File("tissue");
  const auto outcome = test::RunProgram({"tissue", slide, "--out", out, "--simplify", "0"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, AllOf(HasSubstr(slide + ": "), HasSubstr(" % tissue, "),
                                 HasSubstr(out + "/slide_000_tissue.geojson\n"),
                                 HasSubstr(out + "/slide_000_tissue.png\n")));
  const auto opened = Slide::Open(slide);
  EXPECT_EQ(ReadTissue(out + "/slide_000_tissue.geojson", opened->info()).cells, FindTissue(*opened).cells);
  EXPECT_EQ(ReadAnnotations(out + "/slide_000_tissue.geojson").Classes(), std::vector<std::string>{"Tissue"});
  // A line a slide, each once.
  const auto lines = test::RunProgram({"tissue", folder_.File("data/slides.csv"), "--out", out, "--json"});
  ASSERT_EQ(lines.status, 0) << lines.err;
  const auto first = nlohmann::json::parse(lines.out.substr(0, lines.out.find('\n')));
  EXPECT_GT(first.at("fraction").get<double>(), 0.25);
  EXPECT_NEAR(first.at("mm2").get<double>(), first.at("fraction").get<double>() * 1.6 * 1.2, 1e-9);
  EXPECT_TRUE(std::filesystem::exists(out + "/slide_001_tissue.png"));
}

TEST_F(TissueTest, IsWhereTheLossIs) {
  const auto all = Train("all", {}), tissue = Train("tissue", {"--tissue", "auto"});
  ASSERT_EQ(all.status, 0) << all.err;
  ASSERT_EQ(tissue.status, 0) << tissue.err;
  EXPECT_THAT(all.out, Not(HasSubstr("around labels")));
  EXPECT_THAT(tissue.out, HasSubstr(" around labels: "));
  EXPECT_THAT(test::ReadFile(folder_.File("tissue/config.toml")), HasSubstr("tissue = \"auto\"\n"));
  // The same from files.
  ASSERT_EQ(test::RunProgram({"tissue", folder_.File("data/slides.csv"), "--out", folder_.File("outlines"),
                              "--simplify", "0"})
                .status,
            0);
  test::WriteFile(folder_.File("data/slides.csv"),
                  "slide,mask,split,tissue\n"
                  "slide_000.tif,slide_000_mask.tif,train,../outlines/slide_000_tissue.geojson\n"
                  "slide_001.tif,slide_001_mask.tif,val,../outlines/slide_001_tissue.geojson\n");
  const auto drawn = Train("drawn", {});
  ASSERT_EQ(drawn.status, 0) << drawn.err;
  EXPECT_EQ(test::ReadFile(folder_.File("drawn/model.onnx")),
            test::ReadFile(folder_.File("tissue/model.onnx")));
  const auto judged = test::RunProgram({"eval", "--model", folder_.File("drawn/model.onnx"), "--data",
                                        folder_.File("data/slides.csv"), "--split", "val"});
  EXPECT_EQ(judged.status, 0) << judged.err;
  // Other tissue is another run.
  test::WriteFile(folder_.File("data/slides.csv"),
                  "slide,mask,split\nslide_000.tif,slide_000_mask.tif,train\n"
                  "slide_001.tif,slide_001_mask.tif,val\n");
  const auto resumed = Train("drawn", {"--resume"});
  EXPECT_EQ(resumed.status, 3);
  EXPECT_THAT(resumed.err, HasSubstr("the run cannot be continued with another data"));
}

TEST_F(TissueTest, IsWhereAPredictionIs) {
  ExportOnnx(BuiltInModel("unet-4492", 1), folder_.File("model.onnx"));
  const auto predict = [&](const std::string& input, const std::string& out,
                           const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {
        "predict", input, "--model", folder_.File("model.onnx"), "--out", folder_.File(out), "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::RunProgram(arguments);
  };
  const std::string slide = folder_.File("data/slide_000.tif");
  const auto opened = Slide::Open(slide);
  const auto tissue = std::make_shared<const TissueMap>(FindTissue(*opened));
  struct Case {
    std::vector<std::string> options;
    std::string name = "slide_000";
    Region region = {0, 0, 800, 600};
    int64_t width = 800, height = 600;
  };
  for (const Case& c : {Case{.options = {}}, Case{.options = {"--threads", "1"}},
                        Case{.options = {"--mpp", "4"}, .width = 400, .height = 300},
                        Case{.options = {"--region", "150,100,501,403", "--probability", "float32"},
                        .name = "slide_000_150_100_501x403",
                        .region = {150, 100, 501, 403},
                        .width = 501,
                        .height = 403}}) {
    SCOPED_TRACE(c.name + (c.options.empty() ? "" : c.options[0]));
    std::vector<std::string> on_tissue = c.options;
    on_tissue.insert(on_tissue.end(), {"--tissue", "auto"});
    const auto all = predict(slide, "all", c.options), some = predict(slide, "some", on_tissue);
    ASSERT_EQ(all.status, 0) << all.err;
    ASSERT_EQ(some.status, 0) << some.err;
    const auto rows = TissueRows(
        tissue,
        {.width = c.width, .height = c.height, .slide_width = 800, .slide_height = 600, .region = c.region});
    const auto read = [&](RowSource* source) {
      std::vector<uint8_t> bytes(
          static_cast<size_t>(c.width * c.height * SampleBytes(source->sample_type())));
      source->Read({0, c.height}, bytes.data());
      return bytes;
    };
    const std::vector<uint8_t> is_tissue = read(rows.get());
    const int64_t pixels = std::count(is_tissue.begin(), is_tissue.end(), 255);
    EXPECT_EQ(nlohmann::json::parse(some.out).at("tissue_pixels"), pixels);
    EXPECT_FALSE(nlohmann::json::parse(all.out).contains("tissue_pixels"));
    EXPECT_THAT(static_cast<double>(pixels) / static_cast<double>(is_tissue.size()),
                AllOf(::testing::Gt(0.1), ::testing::Lt(0.9)));
    const auto labels = [&](const std::string& folder) {
      return read(OpenMask(folder_.File(folder + "/" + c.name + "_mask.ome.tif"), c.width, c.height).get());
    };
    const std::vector<uint8_t> found = labels("some");
    std::vector<uint8_t> expected = labels("all");
    for (size_t i = 0; i < expected.size(); ++i) {
      if (is_tissue[i] == 0) expected[i] = 0;
    }
    EXPECT_EQ(found, expected);
    if (!std::count(c.options.begin(), c.options.end(), "float32")) {  // which is no picture
      const auto probabilities = [&](const std::string& folder) {
        const std::string map = folder_.File(folder + "/" + c.name + "_probability_tissue.ome.tif");
        return read(OpenMask(map, c.width, c.height).get());
      };
      const std::vector<uint8_t> with = probabilities("some"), without = probabilities("all");
      int most = 0;
      for (size_t i = 0; i < with.size(); ++i)
        most = std::max(most, std::abs(with[i] - (is_tissue[i] ? without[i] : 0)));
      EXPECT_LE(most, 1);  // a float that rounds otherwise
    }
    const auto row = nlohmann::json::parse(some.out).at("classes").at(1);
    EXPECT_EQ(row.at("pixels"), std::count(found.begin(), found.end(), 1));
  }
  // Its probabilities are 0 elsewhere: so is their mean of a slide without tissue.
  test::WritePng(folder_.File("glass.png"), 300, 200, 3, [](int64_t, int64_t, int64_t) { return 240; });
  const auto glass = predict(folder_.File("glass.png"), "glass", {"--tissue", "auto"});
  ASSERT_EQ(glass.status, 0) << glass.err;
  EXPECT_THAT(glass.err, HasSubstr("swath: glass: no tissue was found: all is the first class\n"));
  const auto row = nlohmann::json::parse(glass.out);
  EXPECT_EQ(row.at("tissue_pixels"), 0);
  EXPECT_EQ(row.at("classes").at(1).at("pixels"), 0);
  EXPECT_EQ(row.at("classes").at(1).at("mean_probability"), 0.0);
  // Where it cannot be told from glass, all is predicted.
  test::WritePng(folder_.File("dark.png"), 300, 200, 3, [](int64_t, int64_t, int64_t) { return 10; });
  const auto dark = predict(folder_.File("dark.png"), "dark", {"--tissue", "auto"});
  ASSERT_EQ(dark.status, 0) << dark.err;
  EXPECT_THAT(dark.err, AllOf(HasSubstr("swath: warning: " + folder_.File("dark.png")),
                              HasSubstr("; all of the slide is predicted\n")));
  EXPECT_FALSE(nlohmann::json::parse(dark.out).contains("tissue_pixels"));
  // What a data set names counts.
  ASSERT_EQ(test::RunProgram({"tissue", slide, "--out", folder_.File("outlines"), "--simplify", "0"}).status,
            0);
  test::WriteFile(folder_.File("data/named.csv"),
                  "slide,tissue\nslide_001.tif,../outlines/slide_000_tissue.geojson\n");
  const auto named = predict(folder_.File("data/named.csv"), "named", {"--tissue", "auto"});
  ASSERT_EQ(named.status, 0) << named.err;
  EXPECT_EQ(nlohmann::json::parse(named.out).at("tissue_pixels"), 16 * tissue->count());
  const auto whole = predict(folder_.File("data/named.csv"), "whole", {});
  ASSERT_EQ(whole.status, 0) << whole.err;
  EXPECT_FALSE(nlohmann::json::parse(whole.out).contains("tissue_pixels"));
}

TEST_F(TissueTest, IsRefusedWhereItMeansNothing) {
  const auto outcome = Train("run", {"--tissue", "auto", "--model", "resnet-18", "--batchnorm", "frozen"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--tissue: is of losses over pixels, resnet-18"));
  EXPECT_EQ(Train("run", {"--tissue", "everything"}).status, 2);
  const auto of_slides = test::RunProgram({"predict", folder_.File("data/slide_000.tif"), "--model",
                                           "resnet-18", "--out", folder_.File("maps"), "--tissue", "auto"});
  EXPECT_EQ(of_slides.status, 2);
  EXPECT_THAT(of_slides.err, HasSubstr("--tissue: is of maps, resnet-18 gives values of the slide"));
}

}  // namespace
}  // namespace swath
