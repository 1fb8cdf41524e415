/// What a run folder says of the run: sessions and metrics, read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/json_text.h"
#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"
#include "train/run_history.h"
#include "train/run_session.h"

namespace swath {
namespace {

TEST(RunSession, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  test::WriteSlide(folder, "a", 32, 32, 1);
  test::WriteFile(folder.File("slides.csv"),
                  "slide,mask,split\na.png,a_mask.png,train\na.png,a_mask.png,val\n");
  DatasetOptions pixels{.level = 0, .slide = {.mpp = 0.1}};
  pixels.label_rules.classes["tumour \"x\""] = {LabelRule::Kind::kLabel, 1};
  pixels.label_rules.classes["fold"] = {.kind = LabelRule::Kind::kIgnore};
  pixels.label_rules.elsewhere = 1;
  const Dataset dataset = OpenDataset(folder.File("slides.csv"), pixels);
  TrainOptions options{.sample_region = RegionSize{20, 10}, .seed = 18446744073709551615u, .memory = 5};
  options.loss.ignore_label = 254;
  options.schedule.steps = 7;
  const RunSession made =
      MakeRunSession(dataset, options, {.parameters = 12, .first_step = 3, .plan_bytes = 9});
  const std::string path = folder.File("sessions.jsonl");
  test::WriteFile(path, JsonText(ToJson(made)) + "\n" + JsonText(ToJson(made)) + "\n");

  const std::vector<RunSession> sessions = ReadRunSessions(path);
  ASSERT_EQ(sessions.size(), 2u);
  const RunSession& read = sessions.back();
  EXPECT_EQ(ToJson(read), ToJson(made));
  EXPECT_EQ(read.options.level, 0);
  EXPECT_FALSE(read.options.mpp);
  EXPECT_EQ(read.options.slide.mpp, 0.1);
  EXPECT_EQ(read.options.label_rules.classes.at("tumour \"x\"").label, 1);
  EXPECT_EQ(read.options.label_rules.classes.at("fold").kind, LabelRule::Kind::kIgnore);
  EXPECT_EQ(read.options.label_rules.elsewhere, 1);
  EXPECT_EQ(read.options.label_rules.ignore, 254);
  EXPECT_EQ(read.seed, 18446744073709551615u);
  EXPECT_EQ(read.sample_region->width, 20);
  EXPECT_EQ(read.first_step, 3);
  EXPECT_EQ(read.csv, folder.File("slides.csv"));
  EXPECT_EQ(read.csv_sha256, DigestFile(folder.File("slides.csv")).sha256);
  ASSERT_EQ(read.files.size(), 2u) << "each once";
  EXPECT_EQ(read.files[0].name, "a.png");
  EXPECT_EQ(read.files[1].name, "a_mask.png");
  EXPECT_EQ(read.files[0].bytes, FileFacts(folder.File("a.png")).bytes);
}

TEST(RunSession, NamesTheLineThatIsNone) {
  const TemporaryFolder folder;
  const std::string path = folder.File("sessions.jsonl");
  for (const char* text : {"{}\n", "[1]\n", "{\"started\":\"yesterday\"}\n", "\x01\xff\n", "null\n"}) {
    test::WriteFile(path, text);
    try {
      ReadRunSessions(path);
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInput);
      EXPECT_THAT(e.what(),
                  testing::HasSubstr("sessions.jsonl:1: expected a session as swath train writes it"));
    }
  }
  test::WriteFile(path, "");
  EXPECT_THROW(ReadRunSessions(path), Error);
}

TEST(RunHistory, AddsUpWhatTheLinesSay) {
  const TemporaryFolder folder;
  const std::string path = folder.File("metrics.jsonl");
  test::WriteFile(
      path,
      "{\"step\":1,\"split\":\"train\",\"loss\":0.5,\"dice\":0.4,\"seconds\":2,\"peak_rss_mib\":30.5}\n"
      "{\"step\":1,\"split\":\"val\",\"loss\":0.6,\"dice\":0.3,\"best\":true,\"seconds\":1}\n"
      "no record\n"
      "{\"step\":2,\"split\":\"train\",\"loss\":null,\"seconds\":3,\"peak_rss_mib\":31}\n"
      "{\"step\":2,\"split\":\"val\",\"loss\":0.7,\"dice\":null,\"best\":false,\"seconds\":1}\n"
      "{\"step\":3,\"split\":\"trai");
  const RunHistory history = ReadRunHistory(path, 100);
  EXPECT_EQ(history.steps, 2);
  EXPECT_EQ(history.best_step, 1);
  EXPECT_EQ(history.training_seconds, 5);
  EXPECT_EQ(history.validation_seconds, 2);
  EXPECT_EQ(history.peak_resident_mib, 31);
  ASSERT_EQ(history.curves.train.size(), 2u);
  EXPECT_EQ(history.curves.validation[0].score, 0.3);
  EXPECT_TRUE(std::isnan(history.curves.validation[1].score)) << "not defined there";
  EXPECT_EQ(ReadRunHistory(path, 1).steps, 1) << "what comes after a state is not kept";
  EXPECT_EQ(ReadRunHistory(folder.File("none"), 100).steps, 0);
}

}  // namespace
}  // namespace swath
