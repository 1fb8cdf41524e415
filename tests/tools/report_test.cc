/// `swath report`: the page of a run, and what is no run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/digest.h"
#include "swath/model.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ReportTest : public testing::Test {
 protected:
  ReportTest() {
    for (const char* name : {"a", "b", "c", "d"}) test::WriteSlide(folder_, name, 40, 32, name[0]);
    test::WriteFile(folder_.File("slides.csv"),
                    "slide,mask,split\na.png,a_mask.png,train\nb.png,b_mask.png,val\nc.png,c_mask.png,test\n"
                    "d.png,d_mask.png,test\n");
  }

  void Train(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"train", "--data", folder_.File("slides.csv"), "--out", run(),
                                          "--lr",  "0.02"};
    if (more.empty()) {
      arguments.insert(arguments.end(), {"--model", "unet:depth=1,base=4", "--steps", "12"});
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::Outcome outcome = test::RunProgram(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }

  std::string Page(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {"report", run()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const test::Outcome outcome = test::RunProgram(arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, run() + "/report.html\n");
    return test::ReadFile(run() + "/report.html");
  }

  void ExpectError(const std::vector<std::string>& arguments, int status, const std::string& message) const {
    const test::Outcome outcome = test::RunProgram(arguments);
    EXPECT_EQ(outcome.status, status);
    EXPECT_THAT(outcome.err, HasSubstr(message));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(run() + "/report.html"));
  }

  std::string run() const { return folder_.File("run"); }

  TemporaryFolder folder_;
};

TEST_F(ReportTest, HasTheFiguresOfEval) {
  Train();
  const std::string page = Page();
  const auto eval = nlohmann::json::parse(test::RunProgram({"eval", "--model", run() + "/model.onnx",
                                                            "--data", folder_.File("slides.csv"), "--json"})
                                              .out);
  for (const char* figure : {"dice", "iou"})
    EXPECT_THAT(page, HasSubstr(fmt::format("{:.4f}", eval[figure]["mean"].get<double>()))) << figure;
  for (const auto& slide : eval["slides"]) {
    EXPECT_THAT(page, HasSubstr(fmt::format("Dice {:.4f}", slide["dice"].get<double>())));
    EXPECT_THAT(page, HasSubstr(fmt::format(">{:.4f}</td>", slide["loss"].get<double>())));
  }
  EXPECT_THAT(page, AllOf(HasSubstr("c.png: mistakes"), HasSubstr("2 slides are few"),
                          HasSubstr("The 2 slides that it is judged on had no part in either.")));
  for (const char* file : {"slides.csv", "a.png", "d_mask.png", "run/model.onnx"})
    EXPECT_THAT(page, HasSubstr(DigestFile(folder_.File(file)).sha256)) << file;
  EXPECT_THAT(page, AllOf(HasSubstr("train --data "), Not(HasSubstr("changed since training"))));
}

TEST_F(ReportTest, WarnsOfWhatIsNotAsItWas) {
  Train();
  test::WriteSlide(folder_, "c", 44, 32, 99);
  test::WriteFile(folder_.File("slides.csv"),
                  "slide,mask,split\na.png,a_mask.png,train\na.png,a_mask.png,test\nc.png,c_mask.png,test\n");
  const std::string page = Page();
  EXPECT_THAT(page, HasSubstr("slides.csv is not as it was when the network was trained"));
  EXPECT_THAT(page, HasSubstr("c.png <b>(changed since training)</b>"));
  EXPECT_THAT(page, AllOf(HasSubstr("a.png is judged and was trained on as well"),
                          Not(HasSubstr("had no part in either"))));
}

TEST_F(ReportTest, JudgesByValidationSlidesWhereThereAreNoOthers) {
  test::WriteFile(folder_.File("slides.csv"),
                  "slide,mask,split\na.png,a_mask.png,train\nb.png,b_mask.png,val\n");
  Train();
  EXPECT_THAT(Page(), AllOf(HasSubstr("The weights were chosen by these validation slides"),
                            HasSubstr(">no interval<"), Not(HasSubstr("95 %: ")), Not(HasSubstr(">nan"))));
}

TEST_F(ReportTest, TellsOfEveryPartOfARun) {
  Train();
  Train({"--config", run() + "/config.toml", "--resume", "--steps", "14"});
  const std::string page = Page({"--split", "all"});
  EXPECT_THAT(page, AllOf(HasSubstr(", after step 12</dd>"), HasSubstr("--resume --steps 14"),
                          HasSubstr("Slides that the network was trained on are among those")));
}

TEST_F(ReportTest, OfSeveralClasses) {
  ExportOnnx(test::SmallNetwork(3), folder_.File("three.onnx"));
  Train({"--model", folder_.File("three.onnx"), "--loss", "cross-entropy", "--steps", "6"});
  EXPECT_THAT(Page(), AllOf(HasSubstr("mean over the classes"), HasSubstr("Dice of "),
                            HasSubstr("mistakes: another class"), Not(HasSubstr(">nan"))));
}

TEST_F(ReportTest, OfLabelsOfSlides) {
  const auto train = [&](const std::string& targets, const std::string& classes, const std::string& loss) {
    std::string csv = "slide,target,split\n";
    size_t i = 0;
    for (const char* split : {"train", "train", "test", "test"}) {
      const char name = static_cast<char>('a' + i);
      csv += fmt::format("{}.png,{},{}\n", name, targets[i++], split);
    }
    test::WriteFile(folder_.File("slides.csv"), csv);
    std::filesystem::remove_all(run());
    std::vector<std::string> options = {
        "--model", "mobilenet-v2:head=attention", "--batchnorm", "frozen", "--loss", loss, "--steps", "1"};
    if (!classes.empty()) options.insert(options.end(), {"--classes", classes});
    Train(options);
  };
  train("0101", "", "bce");
  EXPECT_THAT(Page(),
              AllOf(HasSubstr("ROC curve"), HasSubstr("sensitivity"), HasSubstr("Confusion matrix: slides"),
                    HasSubstr("where the network looked"), HasSubstr("target 1"), Not(HasSubstr(">nan"))));
  train("0120", "x,y,z", "cross-entropy");
  EXPECT_THAT(Page(), AllOf(HasSubstr("accuracy"), HasSubstr("all classes"), Not(HasSubstr(">nan"))));
  train("0523", "", "mse");
  EXPECT_THAT(Page(),
              AllOf(HasSubstr("RMSE"), HasSubstr("predictions over targets"), Not(HasSubstr(">nan"))));
}

TEST_F(ReportTest, WhatIsNoRunIsOneLine) {
  ExpectError({"report", folder_.File("none")}, 3,
              "none: expected the folder of a run, found nothing of that name");
  ExpectError({"report", folder_.File("a.png")}, 3, "expected the folder of a run, found a file");
  ExpectError({"report", folder_.File("")}, 3, "expected a run of swath train, found no sessions.jsonl");
  Train();
  ExpectError({"report", run(), "--split", "none"}, 2, "--split");
  ExpectError({"report", run(), "--data", folder_.File("other.csv")}, 3, "other.csv");
  ExpectError({"report", run(), "--out", folder_.File("no/page.html")}, 5, "no/page.html: cannot be written");
  std::filesystem::rename(folder_.File("d.png"), folder_.File("gone.png"));
  ExpectError({"report", run()}, 3, "slides.csv:5: slide: ");
  std::filesystem::rename(folder_.File("gone.png"), folder_.File("d.png"));
  std::filesystem::rename(folder_.File("slides.csv"), folder_.File("moved.csv"));
  ExpectError({"report", run()}, 3,
              "was the data set of the run and is not there any more: name it with --data");
  EXPECT_THAT(Page({"--data", folder_.File("moved.csv")}), HasSubstr("moved.csv"));
  std::filesystem::remove(run() + "/report.html");
  std::filesystem::remove(run() + "/model.onnx");
  ExpectError({"report", run()}, 3, "found no model.onnx, which the first validation writes");
}

}  // namespace
}  // namespace swath
