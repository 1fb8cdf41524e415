#include "train/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>

#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::HasSubstr;

TrainingState SomeState() {
  return {.progress = {.step = 12,
                       .seconds = 3.5,
                       .best_score = 0.1 + 0.2,
                       .best_step = 8,
                       .settings = {{"seed", 4}, {"loss", "bce"}, {"data", {1, 2}}}},
          .weights = {1.5f, -0.1f},
          .optimizer = {.steps = 12, .moments = {{0.1, 1e-300}, {-3, 1.0 / 3}}},
          .running = {0.25f}};
}

/// The weights in two parts.
void Write(const std::string& path, const TrainingState& state) {
  const std::span<const float> weights(state.weights);
  const std::span<const float> parts[] = {weights.first(1), weights.subspan(1)};
  WriteTrainingState(path, state.progress, parts, state.optimizer, state.running);
}

class TrainingStateTest : public testing::Test {
 protected:
  std::string Content() const { return test::ReadFile(path_); }
  std::string Message() const {
    try {
      ReadTrainingState(path_);
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("training-state");
};

TEST_F(TrainingStateTest, ComesBackBitForBit) {
  const TrainingState state = SomeState();
  Write(path_, state);
  Write(path_, state);
  EXPECT_EQ(folder_.Count(), 1);
  const TrainingState read = ReadTrainingState(path_);
  EXPECT_EQ(read.progress.step, 12);
  EXPECT_EQ(read.progress.best_score, state.progress.best_score);
  EXPECT_EQ(read.progress.best_step, 8);
  EXPECT_EQ(read.progress.settings, state.progress.settings);
  EXPECT_EQ(read.weights, state.weights);
  EXPECT_EQ(read.optimizer.steps, 12);
  EXPECT_EQ(read.optimizer.moments, state.optimizer.moments);
  EXPECT_EQ(read.running, state.running);
}

TEST_F(TrainingStateTest, DamageIsFound) {
  EXPECT_THAT(Message(), HasSubstr("there is no run to continue"));
  Write(path_, SomeState());
  const std::string whole = Content();
  for (const size_t size : {size_t{0}, size_t{20}, whole.find('\n') + 1, whole.size() - 1}) {
    test::WriteFile(path_, whole.substr(0, size));
    EXPECT_THAT(Message(), HasSubstr("not a training state")) << size;
  }
  std::string changed = whole;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  test::WriteFile(path_, changed);
  EXPECT_THAT(Message(), HasSubstr("changed since it was written"));
  changed = whole;
  changed.replace(changed.find("\"version\":2"), 11, "\"version\":3");
  test::WriteFile(path_, changed);
  EXPECT_THAT(Message(), HasSubstr("its version is 3, this program reads 2"));
}

TEST_F(TrainingStateTest, AFileThatCannotBeWrittenLeavesTheOldOne) {
  Write(path_, SomeState());
  const std::string before = Content();
  EXPECT_THROW(Write(folder_.File("none/training-state"), SomeState()), Error);
  EXPECT_EQ(Content(), before);
  EXPECT_EQ(folder_.Count(), 1);
}

TEST_F(TrainingStateTest, SettingsThatDifferAreNamed) {
  const nlohmann::json run = SomeState().progress.settings;
  EXPECT_NO_THROW(CheckSettings(path_, run, run));
  nlohmann::json now = run;
  now["seed"] = 5;
  EXPECT_THAT([&] { CheckSettings("state", run, now); },
              testing::ThrowsMessage<Error>(
                  "state: the run cannot be continued with another seed: it began with 4, now 5"));
  now = run;
  now["data"] = {1, 3};
  EXPECT_THAT([&] { CheckSettings("state", run, now); },
              testing::ThrowsMessage<Error>(
                  "state: the run cannot be continued with another data: it began with 2, now 3"));
}

TEST(TrainableValuesTest, LeavesConstantsAlone) {
  Graph graph = test::SmallNetwork();
  std::vector<float> values = TrainableValues(graph);
  EXPECT_EQ(static_cast<int64_t>(values.size()), graph.trainable_size());
  for (float& value : values) value += 1;
  SetTrainableValues(values, &graph);
  EXPECT_EQ(TrainableValues(graph), values);
  EXPECT_EQ(graph.parameters[0].values[0], -255.0f);
  values.pop_back();
  EXPECT_THROW(SetTrainableValues(values, &graph), Error);
}

}  // namespace
}  // namespace swath
