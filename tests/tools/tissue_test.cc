/// `swath tissue`, and training on tissue alone.
#include "swath/tissue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "swath/annotation.h"
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
    const auto made = test::RunProgram({"synth", folder_.File("data"), "--slides", "2", "--size", "1600x1200",
                                        "--val", "1", "--test", "0", "--mpp", "1"});
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
  EXPECT_THAT(test::ReadText(folder_.File("tissue/config.toml")), HasSubstr("tissue = \"auto\"\n"));
  // The same from files.
  ASSERT_EQ(test::RunProgram({"tissue", folder_.File("data/slides.csv"), "--out", folder_.File("outlines"),
                              "--simplify", "0"})
                .status,
            0);
  test::WriteText(folder_.File("data/slides.csv"),
                  "slide,mask,split,tissue\n"
                  "slide_000.tif,slide_000_mask.tif,train,../outlines/slide_000_tissue.geojson\n"
                  "slide_001.tif,slide_001_mask.tif,val,../outlines/slide_001_tissue.geojson\n");
  const auto drawn = Train("drawn", {});
  ASSERT_EQ(drawn.status, 0) << drawn.err;
  EXPECT_EQ(test::ReadText(folder_.File("drawn/model.onnx")),
            test::ReadText(folder_.File("tissue/model.onnx")));
  const auto judged = test::RunProgram({"eval", "--model", folder_.File("drawn/model.onnx"), "--data",
                                        folder_.File("data/slides.csv"), "--split", "val"});
  EXPECT_EQ(judged.status, 0) << judged.err;
  // Other tissue is another run.
  test::WriteText(folder_.File("data/slides.csv"),
                  "slide,mask,split\nslide_000.tif,slide_000_mask.tif,train\n"
                  "slide_001.tif,slide_001_mask.tif,val\n");
  const auto resumed = Train("drawn", {"--resume"});
  EXPECT_EQ(resumed.status, 3);
  EXPECT_THAT(resumed.err, HasSubstr("the run cannot be continued with another data"));
}

TEST_F(TissueTest, IsRefusedWhereItMeansNothing) {
  const auto outcome = Train("run", {"--tissue", "auto", "--model", "resnet-18", "--batchnorm", "frozen"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--tissue: is of losses over pixels, resnet-18"));
  EXPECT_EQ(Train("run", {"--tissue", "everything"}).status, 2);
}

}  // namespace
}  // namespace swath
