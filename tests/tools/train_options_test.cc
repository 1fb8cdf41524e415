/// Options of `swath train` that choose weights and what is trained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "swath/model.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class TrainOptionsTest : public testing::Test {
 protected:
  TrainOptionsTest() {
    test::WriteSlide(folder_, "a", 32, 32, 1);
    test::WriteFile(folder_.File("slides.csv"), "slide,mask,split\na.png,a_mask.png,train\n");
  }

  test::Outcome Train(const std::string& run, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments = {"train", "--data",          folder_.File("slides.csv"),
                                          "--out", folder_.File(run), "--steps",
                                          "2",     "--model",         "unet:depth=1,base=4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return test::RunProgram(arguments);
  }

  void ExpectError(const test::Outcome& outcome, int status, const std::string& message) const {
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }

  std::vector<float> Values(const std::string& file, const std::string& parameter) const {
    for (const Parameter& p : ImportOnnx(folder_.File(file)).parameters)
      if (p.name == parameter) return p.values;
    return {};
  }

  TemporaryFolder folder_;
};

TEST_F(TrainOptionsTest, WeightsAreTakenReportedAndFrozen) {
  ASSERT_EQ(Train("first", {}).status, 0);
  const std::string model = folder_.File("first/model.onnx");
  const test::Outcome outcome = Train("second", {"--weights", model, "--weights-skip", "outc.", "--freeze",
                                                 "inc.*", "--freeze", "down1.*", "--lr-of", "*=0.5"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr(model + ": 14 of 14 parameters taken\n"));
  EXPECT_THAT(
      outcome.out,
      HasSubstr("\n  unused      4: normalise.shift, normalise.scale, outc.conv.weight and 1 more\n"));
  const std::string report = test::ReadFile(folder_.File("second/weights.txt"));
  EXPECT_THAT(report, HasSubstr("matched inc.double_conv.0.weight\n"));
  EXPECT_THAT(report, HasSubstr("unused outc.conv.weight\n"));
  for (const char* name : {"inc.double_conv.0.weight", "down1.maxpool_conv.1.double_conv.0.weight"}) {
    EXPECT_FALSE(Values("first/model.onnx", name).empty()) << name;
    EXPECT_EQ(Values("second/model.onnx", name), Values("first/model.onnx", name)) << name;
  }
  EXPECT_NE(Values("second/model.onnx", "up1.conv.double_conv.0.weight"),
            Values("first/model.onnx", "up1.conv.double_conv.0.weight"));
  // The file of the run says it all.
  const std::string config = folder_.File("second/config.toml");
  EXPECT_THAT(test::ReadFile(config),
              AllOf(HasSubstr("freeze = [\"inc.*\", \"down1.*\"]\n"), HasSubstr("lr-of = [\"*=0.5\"]\n")));
  const test::Outcome again = test::RunProgram({"train", "--config", config, "--out", folder_.File("third")});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(test::ReadFile(folder_.File("third/model.onnx")),
            test::ReadFile(folder_.File("second/model.onnx")));
  ExpectError(test::RunProgram({"train", "--config", config, "--resume", "--steps", "3", "--lr-of", "*=2"}),
              3, "the run cannot be continued with another lr-of: it began with 0.5, now 2");
}

TEST_F(TrainOptionsTest, AugmentationIsPartOfTheRun) {
  const test::Outcome outcome = Train("run", {"--augment", "flip,transpose,stain,brightness=0.2"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const std::string config = folder_.File("run/config.toml");
  EXPECT_THAT(test::ReadFile(config),
              HasSubstr("augment = [\"flip\", \"transpose\", \"stain\", \"brightness=0.2\"]\n"));
  EXPECT_EQ(test::RunProgram({"train", "--config", config, "--resume", "--steps", "3"}).status, 0);
  ExpectError(
      test::RunProgram({"train", "--config", config, "--resume", "--steps", "4", "--augment", "flip"}), 3,
      "the run cannot be continued with another augment: it began with \"transpose\", now null");
}

TEST_F(TrainOptionsTest, RegionsAreAsLargeAsWasSaid) {
  const test::Outcome outcome = Train("run", {"--sample-region", "20x100"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("  image       20 x 32 px, extension included\n"));
}

TEST_F(TrainOptionsTest, PixelsThatAreTrainedOnAndValidatedAreToldOf) {
  const std::string header = "slide,mask,split,region\n",
                    known = "  warning     a.png is trained on and validated on";
  const auto train = [&](const std::string& run, const std::string& lines) {
    test::WriteFile(folder_.File("slides.csv"), header + lines);
    const test::Outcome outcome = Train(run, {});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  EXPECT_THAT(train("whole", "a.png,a_mask.png,train,\na.png,a_mask.png,val,\n"), HasSubstr(known));
  EXPECT_THAT(train("parts", "a.png,a_mask.png,train,\"0,0,20,32\"\na.png,a_mask.png,val,\"19,0,13,32\"\n"),
              HasSubstr(known));
  EXPECT_THAT(train("apart", "a.png,a_mask.png,train,\"0,0,20,32\"\na.png,a_mask.png,val,\"20,0,12,32\"\n"),
              Not(HasSubstr("warning     a.png")));
}

TEST_F(TrainOptionsTest, WhatIsWrongIsOneLine) {
  ExpectError(Train("run", {"--freeze", "encoder.*"}), 2,
              "'encoder.*' matches no trainable parameter of unet:depth=1,base=4; there are "
              "inc.double_conv.0.weight, ");
  ExpectError(Train("run", {"--lr-of", "inc.*"}), 2,
              "--lr-of: expected PATTERN=FACTOR, a factor above 0, found 'inc.*'");
  ExpectError(Train("run", {"--lr-of", "inc.*=0"}), 2, "a factor above 0, found 'inc.*=0'");
  ExpectError(Train("run", {"--augment", "flip,stain=2"}), 2,
              "augmentation 'stain=2', expected flip, transpose, ");
  ExpectError(Train("run", {"--sample-region", "20"}), 2, "--sample-region: expected WIDTHxHEIGHT in pixels");
  ExpectError(Train("run", {"--weights-skip", "inc."}), 2, "--weights-skip requires --weights");
  ExpectError(Train("run", {"--weights", folder_.File("none.onnx")}), 3, "none.onnx");
  ExportOnnx(test::SmallNetwork(), folder_.File("small.onnx"));
  ExpectError(Train("run", {"--weights", folder_.File("small.onnx")}), 3,
              "small.onnx: expected weights of unet:depth=1,base=4, such as inc.double_conv.0.weight, ");
  ExpectError(test::RunProgram({"model", "unet:dept=1"}), 2,
              "unet: no option is named 'dept'; there are depth, ");
}

}  // namespace
}  // namespace swath
