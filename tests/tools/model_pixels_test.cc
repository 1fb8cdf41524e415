/// The pixel size that a model was trained at: `swath train` keeps it, other commands go by it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

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
using testing::StartsWith;

/// Slides of 0.5 um a pixel, with two levels, and one that does not say it.
class ModelPixelsTest : public testing::Test {
 protected:
  ModelPixelsTest() {
    Run({"synth", folder_.File("data"), "--slides", "3", "--val", "1", "--test", "1", "--size", "1024x1024"});
    test::WriteSlide(folder_, "plain", 64, 64, 1);
    test::WriteFile(folder_.File("plain.csv"), "slide,mask,split\nplain.png,plain_mask.png,train\n");
  }

  static test::Outcome Run(const std::vector<std::string>& arguments, int status = 0) {
    test::Outcome outcome = test::RunProgram(arguments);
    EXPECT_EQ(outcome.status, status) << testing::PrintToString(arguments) << outcome.err;
    return outcome;
  }

  /// The model of a run, and what is said of it.
  std::string Train(const std::string& run, const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"train",   "--out", folder_.File(run), "--data", slides_,
                                          "--steps", "1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    outcome_ = Run(arguments);
    return folder_.File(run + "/model.onnx");
  }

  /// Width of the map, and what is said on standard error.
  int64_t Predict(const std::string& model, std::vector<std::string> arguments, std::string* err) {
    arguments.insert(arguments.begin(),
                     {"predict", "--model", model, "--out", folder_.File("maps"), "--json"});
    const test::Outcome outcome = Run(arguments);
    *err = outcome.err;
    return nlohmann::json::parse(outcome.out.substr(0, outcome.out.find('\n')))["width"];
  }

  TemporaryFolder folder_;
  std::string slides_ = folder_.File("data/slides.csv");
  std::string slide_ = folder_.File("data/slide_002.tif");
  std::string plain_ = folder_.File("plain.png");
  test::Outcome outcome_;
};

TEST_F(ModelPixelsTest, TrainingKeepsThePixelSizeThatItRead) {
  EXPECT_EQ(ModelMpp(ImportOnnx(Train("a", {"--mpp", "0.8"}))), 0.8);
  EXPECT_EQ(ModelMpp(ImportOnnx(folder_.File("a/last.onnx"))), 0.8);
  EXPECT_THAT(outcome_.out, HasSubstr("\n  pixel size  0.8 um, which the model keeps\n"));
  EXPECT_EQ(ModelMpp(ImportOnnx(Train("b", {"--level", "1"}))), 1);
  EXPECT_EQ(ModelMpp(ImportOnnx(Train("c", {}))), 0.5);
  EXPECT_EQ(ModelMpp(ImportOnnx(Train("d", {"--slide-mpp", "0.3"}))), 0.3);
  EXPECT_THAT(Run({"model", folder_.File("a/model.onnx")}).out, HasSubstr("\ntrained at 0.8 um a pixel\n"));
}

TEST_F(ModelPixelsTest, WhatIsNotKnownIsNotKeptEvenOfAnEarlierTraining) {
  const std::string first = Train("first", {"--mpp", "1"});
  const std::string second = Train("second", {"--model", first, "--mpp", "2"});
  EXPECT_EQ(ModelMpp(ImportOnnx(second)), 2);
  EXPECT_THAT(outcome_.err, HasSubstr("swath: warning: slide_000.tif: read at 2 um a pixel, but " + first +
                                      " was trained at 1\n"));
  slides_ = folder_.File("plain.csv");
  EXPECT_FALSE(ModelMpp(ImportOnnx(Train("third", {"--model", first}))));
  EXPECT_THAT(outcome_.out, HasSubstr("the model keeps none\n"));
  EXPECT_THAT(outcome_.err, HasSubstr("swath: warning: plain.png: the pixel size is not known, so level 0"));
  EXPECT_EQ(ModelMpp(ImportOnnx(Train("fourth", {"--slide-mpp", "0.5"}))), 0.5);
}

TEST_F(ModelPixelsTest, AContinuedRunKeepsIt) {
  Train("run", {"--mpp", "0.8"});
  Run({"train", "--config", folder_.File("run/config.toml"), "--resume", "--steps", "2"});
  EXPECT_EQ(ModelMpp(ImportOnnx(folder_.File("run/last.onnx"))), 0.8);
}

TEST_F(ModelPixelsTest, PredictionsAreMadeAtIt) {
  const std::string model = Train("run", {"--mpp", "0.8"});
  std::string err;
  EXPECT_EQ(Predict(model, {slide_}, &err), 640);
  EXPECT_THAT(err,
              AllOf(HasSubstr("swath: slides are read at 0.8 um a pixel, as " + model + " was trained\n"),
                    Not(HasSubstr("warning"))));
  EXPECT_EQ(Predict(model, {slides_, "--split", "test"}, &err), 640);
  EXPECT_EQ(Predict(model, {slide_, "--slide-mpp", "0.4"}, &err), 512);
  EXPECT_EQ(Predict(model, {slide_, "--mpp", "0.85"}, &err), 602);
  EXPECT_THAT(err, AllOf(Not(HasSubstr("read at")), Not(HasSubstr("warning")))) << "near enough";
  EXPECT_EQ(Predict(model, {slide_, "--mpp", "0.9"}, &err), 569);
  EXPECT_THAT(err, HasSubstr("swath: warning: " + slide_ + ": read at 0.9 um a pixel, but " + model +
                             " was trained at 0.8\n"));
  EXPECT_EQ(Predict(model, {folder_.File("data"), "--level", "1"}, &err), 512);
  EXPECT_THAT(err, HasSubstr("slide_000.tif and 2 more: read at 1 um a pixel"));
  const test::Outcome coarse =
      Run({"predict", slide_, "--model", model, "--out", folder_.File("maps"), "--slide-mpp", "0.9"}, 3);
  EXPECT_EQ(coarse.err, "swath: " + slide_ +
                            ": 0.8 um a pixel wanted (at which the model was trained), "
                            "the finest level has 0.9: choose a level\n");
  EXPECT_EQ(Predict(model, {slide_, "--slide-mpp", "0.84"}, &err), 1024);
  // What follows it is progress, which a slow machine has time to show.
  EXPECT_THAT(err, StartsWith("swath: " + slide_ + ": read at 0.84 um a pixel, the finest there is; " +
                              model + " was trained at 0.8\n"));
  // Training takes level 0 whatever the model was trained at.
  Train("further", {"--model", model, "--slide-mpp", "0.84"});
  EXPECT_THAT(outcome_.err, Not(HasSubstr("the finest there is")));
}

TEST_F(ModelPixelsTest, SlidesThatDoNotSayTheirsAreReadAtLevel0) {
  const std::string model = Train("run", {"--mpp", "0.8"});
  const std::string warning = "swath: warning: " + plain_ +
                              ": the pixel size is not known, so level 0 is read, but " + model +
                              " was trained at 0.8 um a pixel; --slide-mpp says what a level-0 pixel has\n";
  std::string err;
  EXPECT_EQ(Predict(model, {plain_}, &err), 64);
  EXPECT_THAT(err, AllOf(HasSubstr(warning), Not(HasSubstr("slides are read at"))));
  EXPECT_EQ(Predict(model, {plain_, "--level", "0"}, &err), 64);
  EXPECT_THAT(err, HasSubstr(warning));
  EXPECT_EQ(Predict(model, {plain_, "--slide-mpp", "0.4"}, &err), 32);
  EXPECT_THAT(err, Not(HasSubstr("warning")));
  // A model that does not say its own leaves all as it was.
  const std::string silent = folder_.File("silent.onnx");
  ExportOnnx(BuiltInModel("unet-4492", 1), silent);
  EXPECT_EQ(Predict(silent, {slide_}, &err), 1024);
  EXPECT_THAT(err, Not(HasSubstr("um a pixel")));
}

TEST_F(ModelPixelsTest, EvaluationsAndReportsAreMadeAtIt) {
  const std::string model = Train("run", {"--mpp", "0.8"});
  const auto eval = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"eval", "--model", model, "--data", slides_, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    outcome_ = Run(arguments);
    return outcome_.out;
  };
  const std::string own = eval({});
  EXPECT_THAT(outcome_.err, HasSubstr("swath: slides are read at 0.8 um a pixel, as " + model));
  EXPECT_EQ(own, eval({"--mpp", "0.8"}));
  EXPECT_THAT(outcome_.err, Not(HasSubstr("um a pixel")));
  EXPECT_NE(own, eval({"--level", "0"}));
  EXPECT_THAT(outcome_.err, HasSubstr("swath: warning: slide_002.tif: read at 0.5 um a pixel, but "));
  Run({"report", folder_.File("run")});
  EXPECT_THAT(test::ReadFile(folder_.File("run/report.html")),
              HasSubstr(fmt::format("{:.4f}", nlohmann::json::parse(own)["dice"]["mean"].get<double>())));
  slides_ = folder_.File("plain.csv");
  EXPECT_EQ(eval({"--split", "train"}), eval({"--split", "train", "--level", "0"}));
  EXPECT_THAT(outcome_.err, HasSubstr("swath: warning: plain.png: the pixel size is not known"));
  eval({"--split", "train", "--slide-mpp", "0.4"});
  EXPECT_THAT(outcome_.err, HasSubstr("swath: slides are read at 0.8 um a pixel"));
}

TEST_F(ModelPixelsTest, ReportsReadSlidesOfAStatedPixelSize) {
  test::WriteFile(folder_.File("plain.csv"),
                  "slide,mask,split\nplain.png,plain_mask.png,train\nplain.png,plain_mask.png,test\n");
  slides_ = folder_.File("plain.csv");
  Train("run", {"--slide-mpp", "0.5", "--mpp", "1"});
  EXPECT_THAT(outcome_.out, HasSubstr("  image       64 x 64 px"));
  Run({"report", folder_.File("run")});
}

TEST_F(ModelPixelsTest, PlansTakeTheSizeThatIsRead) {
  const std::string model = Train("run", {"--mpp", "0.8"});
  const auto plan = [&](const std::vector<std::string>& more) -> int64_t {
    std::vector<std::string> arguments = {"plan", "--json", "--model", model, "--slide", slide_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return nlohmann::json::parse(Run(arguments).out)["width"];
  };
  EXPECT_EQ(plan({}), 1024) << "as a training reads it";
  EXPECT_EQ(plan({"--mpp", "0.8"}), 640);
  EXPECT_EQ(plan({"--predict"}), 640);
  EXPECT_EQ(plan({"--predict", "--level", "1"}), 512);
  EXPECT_EQ(plan({"--predict", "--slide-mpp", "0.4"}), 512);
}

}  // namespace
}  // namespace swath
