#include "swath/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "swath/error.h"
#include "swath/model.h"
#include "tests/support/whole_file.h"
#include "tests/train/slides.h"
#include "train/slide_order.h"
#include "train/training_state.h"

namespace swath {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Interrupted {};

/// Collects what is reported, and stops the run after a step where asked to.
class Recorder : public TrainObserver {
 public:
  explicit Recorder(int64_t last_step = std::numeric_limits<int64_t>::max()) : last_step_(last_step) {}
  void OnStep(const StepRecord& record) override {
    steps.push_back(record);
    if (record.step == last_step_) throw Interrupted();
  }
  void OnValidation(const ValidationRecord& record) override { validations.push_back(record); }

  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;

 private:
  int64_t last_step_;
};

class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    std::string csv = "slide,mask,split\n";
    for (const char* name : {"a", "b", "c", "d"}) {
      const bool wide = name[0] == 'b';
      test::WriteSlide(folder_, name, wide ? 41 : 32, wide ? 30 : 32, static_cast<uint64_t>(name[0]));
      csv += std::string(name) + ".png," + name + "_mask.png," + (name[0] == 'd' ? "val" : "train") + "\n";
    }
    test::WriteFile(folder_.File("slides.csv"), csv);
    dataset_ = OpenDataset(folder_.File("slides.csv"));
  }

  TrainOptions Options(const std::string& run) const {
    return {.out = folder_.File(run),
            .schedule = {.learning_rate = 0.02, .warmup_steps = 2, .steps = 7},
            .validate_every = 2,
            .plan = {.threads = 1, .strips = 3}};
  }

  std::string Content(const std::string& file) const { return test::ReadFile(folder_.File(file)); }

  std::vector<nlohmann::json> Metrics(const std::string& run) const {
    std::vector<nlohmann::json> lines;
    std::ifstream stream(folder_.File(run + "/metrics.jsonl"));
    for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }

  TemporaryFolder folder_;
  Dataset dataset_;
};

TEST_F(TrainerTest, WritesTheRunFolderAndLearns) {
  TrainOptions options = Options("run");
  options.config = "lr = 0.02\n";
  options.schedule.steps = 60;
  options.schedule.learning_rate = 0.1;
  options.validate_every = 0;
  options.prior_bias = true;
  Recorder recorder;
  const TrainResult result = Train(dataset_, test::SmallNetwork(), options, &recorder);
  EXPECT_EQ(result.steps, 60);
  ASSERT_EQ(recorder.steps.size(), 60u);
  EXPECT_EQ(recorder.validations.size(), 20u);  // an epoch is 3 steps
  EXPECT_LT(recorder.steps.back().loss, 0.5 * recorder.steps.front().loss);
  EXPECT_GT(result.best->value, 0.9);
  EXPECT_EQ(Content("run/config.toml"), "lr = 0.02\n");
  EXPECT_THAT(Content("run/curves.svg"), HasSubstr("</svg>"));
  EXPECT_EQ(TrainableValues(ImportOnnx(folder_.File("run/last.onnx"))), result.last_weights);
  const auto metrics = Metrics("run");
  ASSERT_EQ(metrics.size(), 80u);
  for (const char* key : {"step", "epoch", "slide", "loss", "dice", "lr", "seconds", "mpx_per_s",
                          "peak_rss_mib", "plan_bytes", "strips"}) {
    EXPECT_TRUE(metrics[0].contains(key)) << key;
  }
  EXPECT_EQ(metrics[3]["split"], "val");
  EXPECT_TRUE(std::filesystem::exists(folder_.File("run/sessions.jsonl")));
  // These, training-state, model.onnx, and a file for TensorBoard.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.File("run")), {}), 8);
}

TEST_F(TrainerTest, TheBestModelIsTheOneOfTheBestValidation) {
  Recorder recorder;
  const TrainResult result = Train(dataset_, test::SmallNetwork(), Options("run"), &recorder);
  double best = -1;
  for (const ValidationRecord& v : recorder.validations) best = std::max(best, v.score.value);
  EXPECT_EQ(result.best->value, best);
  // A run that ends at the best step has these weights.
  TrainOptions options = Options("short");
  options.schedule.kind = ScheduleKind::kConstant;
  Train(dataset_, test::SmallNetwork(), options);
  const TrainingProgress state = ReadTrainingState(folder_.File("short/training-state")).progress;
  options.out = folder_.File("again");
  options.schedule.steps = state.best_step;
  const TrainResult again = Train(dataset_, test::SmallNetwork(), options);
  EXPECT_EQ(TrainableValues(ImportOnnx(folder_.File("short/model.onnx"))), again.last_weights);
}

/// Statistics of the slide are for training: whoever runs the file has the running ones.
TEST_F(TrainerTest, ValidationJudgesTheNetworkThatIsExported) {
  Graph graph = BuiltInModel("unet:base=2,depth=1,norm=batch", 3);
  SetBatchNormalization(&graph, BatchNormalizationMode::kImage);
  for (const LossKind kind : {LossKind::kBce, LossKind::kBceDice}) {
    TrainOptions options = Options("run" + ToString(kind));
    options.loss.kind = kind;
    Recorder recorder;
    Train(dataset_, graph, options, &recorder);
    const Graph last = ImportOnnx(options.out + "/last.onnx");
    ASSERT_FALSE(UsesImageStatistics(last));
    const SlideSample sample = OpenSample(dataset_, *dataset_.Of(Split::kValidation)[0], last, 255);
    const auto loss = MakeLoss({.kind = kind, .logits = 1});
    const auto engine = MakeStreamingEngine(last, loss.get(), sample.image->width(), sample.image->height(),
                                            {.threads = 1, .strips = 3});
    EXPECT_NEAR(recorder.validations.back().loss, engine->Evaluate(sample.sample(), {}).loss, 1e-6);
  }
}

TEST_F(TrainerTest, ALimitOfMemoryIsAPlanForEverySizeOrIsRefused) {
  TrainOptions options = Options("run");
  options.memory = int64_t{1} << 20;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("1 MiB are too little for")));
  EXPECT_FALSE(std::filesystem::exists(options.out));
  options.memory = int64_t{8} << 30;
  Train(dataset_, test::SmallNetwork(), options);
  options.out = folder_.File("free");
  options.memory = 0;
  Train(dataset_, test::SmallNetwork(), options);
  EXPECT_EQ(Content("run/last.onnx"), Content("free/last.onnx"));
}

TEST_F(TrainerTest, ARunThatIsContinuedEndsBitIdentical) {
  for (const int64_t accumulate : {1, 2}) {
    const std::string suffix = std::to_string(accumulate);
    TrainOptions options = Options("whole" + suffix);
    options.accumulate = accumulate;
    const TrainResult whole = Train(dataset_, test::SmallNetwork(), options);
    options.out = folder_.File("parts" + suffix);
    Recorder recorder(5);  // the last state is that of step 4
    EXPECT_THROW(Train(dataset_, test::SmallNetwork(), options, &recorder), Interrupted);
    options.resume = true;
    Recorder rest;
    const TrainResult parts = Train(dataset_, test::SmallNetwork(), options, &rest);
    EXPECT_EQ(rest.steps.front().step, 5);
    EXPECT_EQ(parts.last_weights, whole.last_weights);
    EXPECT_EQ(parts.best->value, whole.best->value);
    EXPECT_EQ(Content("parts" + suffix + "/model.onnx"), Content("whole" + suffix + "/model.onnx"));
    const auto expected = Metrics("whole" + suffix), found = Metrics("parts" + suffix);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      for (const char* key : {"step", "loss", "dice"}) EXPECT_EQ(found[i][key], expected[i][key]);
    }
  }
}

TEST_F(TrainerTest, WeightsDoNotDependOnThreadsButOnTheSeed) {
  TrainOptions options = Options("one");
  const TrainResult one = Train(dataset_, test::SmallNetwork(), options);
  options.out = folder_.File("two");
  options.plan.threads = 2;
  const TrainResult two = Train(dataset_, test::SmallNetwork(), options);
  EXPECT_EQ(one.last_weights, two.last_weights);
  EXPECT_EQ(Content("one/model.onnx"), Content("two/model.onnx"));
  options.out = folder_.File("three");
  options.seed = 2;
  EXPECT_NE(Train(dataset_, test::SmallNetwork(), options).last_weights, one.last_weights);
}

TEST_F(TrainerTest, AccumulationIsTheAverageOverTheSlides) {
  TrainOptions options = Options("sum");
  options.schedule.steps = 1;
  options.accumulate = 3;
  options.optimizer = {.kind = OptimizerKind::kSgd, .momentum = 0};
  options.schedule.warmup_steps = 0;
  options.schedule.learning_rate = 1;
  Recorder recorder;
  const TrainResult result = Train(dataset_, test::SmallNetwork(), options, &recorder);
  Graph graph = test::SmallNetwork();
  std::vector<double> expected;
  for (const float value : TrainableValues(graph)) expected.push_back(static_cast<double>(value));
  double mean_loss = 0;
  for (const DatasetEntry* entry : dataset_.Of(Split::kTrain)) {
    const SlideSample sample = OpenSample(dataset_, *entry, graph, 255);
    const auto loss = MakeLoss({});
    const StepResult step =
        MakeStreamingEngine(graph, loss.get(), sample.image->width(), sample.image->height(), options.plan)
            ->Step(sample.sample());
    mean_loss += step.loss.loss / 3;
    size_t k = 0;
    for (const auto& gradient : step.gradients) {
      for (const double g : gradient) expected[k++] -= g / 3;
    }
  }
  EXPECT_NEAR(recorder.steps[0].loss, mean_loss, 1e-12);
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(result.last_weights[i]), expected[i],
                1e-6 * std::max(1.0, std::abs(expected[i])));
  }
}

TEST_F(TrainerTest, AFolderWithARunIsRefusedAndSoIsAnotherRunsState) {
  TrainOptions options = Options("run");
  options.schedule.steps = 2;
  Train(dataset_, test::SmallNetwork(), options);
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("holds a run already")));
  options.resume = true;
  options.seed = 9;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("another seed")));
  options.seed = 1;
  EXPECT_THAT([&] { Train(dataset_, BuiltInModel("unet-4492", 1), options); },
              ThrowsMessage<Error>(HasSubstr("another model")));
  options.out = folder_.File("none");
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("there is no run to continue")));
}

TEST_F(TrainerTest, WhatIsFrozenStaysToTheBitAndCanBeTrainedLater) {
  TrainOptions options = Options("run");
  options.freeze = {"down.*", "*.weight"};
  options.weights = "matched down.weight\n";
  const Graph before = test::SmallNetwork();
  const TrainResult result = Train(dataset_, before, options);
  EXPECT_EQ(result.last_weights.size(), 1u) << "the bias of up";
  const Graph after = ImportOnnx(folder_.File("run/last.onnx"));
  for (size_t p = 2; p < before.parameters.size(); ++p) {
    const bool trained = before.parameters[p].name == "up.bias";
    EXPECT_EQ(after.parameters[p].values != before.parameters[p].values, trained);
    EXPECT_TRUE(after.parameters[p].trainable);
  }
  EXPECT_EQ(Content("run/weights.txt"), options.weights);
  options.resume = true;
  options.schedule.steps = 8;
  Graph other = before;
  other.parameters[2].values[0] += 1;
  EXPECT_THAT([&] { Train(dataset_, other, options); }, ThrowsMessage<Error>(HasSubstr("another weights")));
  options.freeze = {"down.*"};
  EXPECT_THAT([&] { Train(dataset_, before, options); }, ThrowsMessage<Error>(HasSubstr("another freeze")));
}

TEST_F(TrainerTest, FreezingChangesNoOtherGradient) {
  TrainOptions options = Options("all");
  options.optimizer = {.kind = OptimizerKind::kSgd, .momentum = 0};
  options.schedule.steps = 1;
  const std::vector<float> all = Train(dataset_, test::SmallNetwork(), options).last_weights;
  options.out = folder_.File("some");
  options.freeze = {"down.*"};
  const std::vector<float> some = Train(dataset_, test::SmallNetwork(), options).last_weights;
  EXPECT_EQ(some, std::vector<float>(all.end() - static_cast<std::ptrdiff_t>(some.size()), all.end()));
}

TEST_F(TrainerTest, FactorsOfTheLearningRateGoByTheLastPatternThatMatches) {
  TrainOptions options = Options("run");
  options.optimizer = {.kind = OptimizerKind::kSgd, .momentum = 0};
  options.schedule = {.kind = ScheduleKind::kConstant, .learning_rate = 1, .steps = 1};
  const Graph before = test::SmallNetwork();
  const std::vector<float> start = TrainableValues(before);
  const std::vector<float> plain = Train(dataset_, before, options).last_weights;
  options.out = folder_.File("factors");
  options.rate_factors = {{"*", 0.25}, {"up.*", 0.5}};
  const std::vector<float> found = Train(dataset_, before, options).last_weights;
  const size_t up = before.parameters[2].values.size() + before.parameters[3].values.size();
  for (size_t i = 0; i < start.size(); ++i)
    EXPECT_NEAR(found[i] - start[i], (plain[i] - start[i]) * (i < up ? 0.25f : 0.5f), 1e-6f);
  options.resume = true;
  options.rate_factors.pop_back();
  EXPECT_THAT([&] { Train(dataset_, before, options); }, ThrowsMessage<Error>(HasSubstr("another lr-of")));
}

TEST_F(TrainerTest, APatternThatMatchesNothingIsRefusedWithSomeNames) {
  TrainOptions options = Options("run");
  const char* expected =
      "'encoder.*' matches no trainable parameter of small; there are down.weight, down.bias, up.weight, "
      "up.bias";
  options.freeze = {"encoder.*"};
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr(expected)));
  options.freeze = {};
  options.rate_factors = {{"encoder.*", 0.5}};
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr(expected)));
  options.rate_factors = {};
  options.freeze = {"*"};
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("expected a parameter to train, found none")));
  EXPECT_FALSE(std::filesystem::exists(folder_.File("run")));
}

constexpr AugmentOptions kEverything{
    .flip = true, .transpose = true, .stain = 0.1, .brightness = 0.1, .contrast = 0.1};

TEST_F(TrainerTest, AugmentedRunsDoNotDependOnThreadsNorOnInterruptions) {
  TrainOptions options = Options("plain");
  const TrainResult plain = Train(dataset_, test::SmallNetwork(), options);
  options.augment = kEverything;
  for (const int64_t strips : {1, 2, 5}) {
    SCOPED_TRACE(strips);
    const std::string suffix = std::to_string(strips);
    options.plan = {.threads = 1, .strips = strips};
    options.out = folder_.File("whole" + suffix);
    const TrainResult whole = Train(dataset_, test::SmallNetwork(), options);
    EXPECT_NE(whole.last_weights, plain.last_weights);
    options.out = folder_.File("parts" + suffix);
    options.plan.threads = 2;
    Recorder recorder(5);
    EXPECT_THROW(Train(dataset_, test::SmallNetwork(), options, &recorder), Interrupted);
    options.resume = true;
    EXPECT_EQ(Train(dataset_, test::SmallNetwork(), options).last_weights, whole.last_weights);
    options.resume = false;
  }
  options.resume = true;
  options.augment.stain = 0;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("another augment")));
}

TEST_F(TrainerTest, RegionsAreDrawnForEveryVisitAndValidationIsWhole) {
  TrainOptions options = Options("whole");
  options.schedule = {.kind = ScheduleKind::kConstant, .learning_rate = 1e-30, .steps = 6};
  Recorder whole, regions;
  Train(dataset_, test::SmallNetwork(), options, &whole);
  options.out = folder_.File("regions");
  options.sample_region = RegionSize{17, 12};
  Train(dataset_, test::SmallNetwork(), options, &regions);
  for (size_t i = 0; i < whole.validations.size(); ++i)
    EXPECT_EQ(regions.validations[i].loss, whole.validations[i].loss);
  // Both epochs visit the same slides, with weights that stay; the same region twice would be a chance.
  std::set<double> losses;
  for (const StepRecord& step : regions.steps) losses.insert(step.loss);
  EXPECT_EQ(losses.size(), 6u);
  EXPECT_EQ(regions.steps.back().epoch, 1);
  EXPECT_LT(regions.steps.back().plan_bytes, whole.steps.back().plan_bytes);
}

TEST_F(TrainerTest, StainsOfGreySlidesAreRefused) {
  test::WritePng(folder_.File("c.png"), 32, 32, 1, [](int64_t x, int64_t, int64_t) { return x; });
  const Dataset dataset = OpenDataset(folder_.File("slides.csv"));
  TrainOptions options = Options("run");
  options.augment.stain = 0.1;
  EXPECT_THAT([&] { Train(dataset, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("slides.csv:4: c.png: stains can be changed of slides in colour "
                                             "only, this one is grey")));
  options.augment = {.flip = true, .brightness = 0.1};
  EXPECT_EQ(Train(dataset, test::SmallNetwork(), options).steps, 7);
}

TEST_F(TrainerTest, ARunOnRegionsIsContinuedBitIdentical) {
  TrainOptions options = Options("whole");
  options.sample_region = RegionSize{17, 12};
  options.augment = kEverything;
  options.accumulate = 2;
  const TrainResult whole = Train(dataset_, test::SmallNetwork(), options);
  options.out = folder_.File("parts");
  options.plan.threads = 2;
  Recorder recorder(5);
  EXPECT_THROW(Train(dataset_, test::SmallNetwork(), options, &recorder), Interrupted);
  options.resume = true;
  EXPECT_EQ(Train(dataset_, test::SmallNetwork(), options).last_weights, whole.last_weights);
  options.sample_region->width = 16;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("another sample-region: it began with 17, now 16")));
}

TEST_F(TrainerTest, ThePlanCoversAllThatMayBeDrawn) {
  class PlanObserver : public Recorder {
   public:
    void OnStart(const TrainSummary& summary) override { planned = summary.plan_bytes; }
    int64_t planned = 0;
  };
  test::WriteFile(folder_.File("slides.csv"), "slide,mask,split\nb.png,b_mask.png,train\n");
  const Dataset dataset = OpenDataset(folder_.File("slides.csv"));
  for (const bool regions : {false, true}) {
    TrainOptions options = Options(regions ? "regions" : "whole");
    options.augment = kEverything;
    options.schedule.steps = 40;
    if (regions) options.sample_region = RegionSize{17, 12};
    PlanObserver observer;
    Train(dataset, test::SmallNetwork(), options, &observer);
    int64_t most = 0;
    for (const StepRecord& step : observer.steps) most = std::max(most, step.plan_bytes);
    EXPECT_EQ(observer.planned, most);
  }
}

TEST_F(TrainerTest, OnlyTheSlidesToTrainOnAreAugmented) {
  TrainOptions options = Options("plain");
  options.schedule.learning_rate = 1e-30;
  Recorder plain, augmented;
  Train(dataset_, test::SmallNetwork(), options, &plain);
  options.out = folder_.File("augmented");
  options.augment = kEverything;
  Train(dataset_, test::SmallNetwork(), options, &augmented);
  for (size_t i = 0; i < plain.steps.size(); ++i) {
    EXPECT_EQ(augmented.steps[i].slide, plain.steps[i].slide);
    EXPECT_NE(augmented.steps[i].loss, plain.steps[i].loss);
  }
  for (size_t i = 0; i < plain.validations.size(); ++i)
    EXPECT_EQ(augmented.validations[i].loss, plain.validations[i].loss);
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsTheRun) {
  Graph graph = test::SmallNetwork();
  graph.parameters.back().values[0] = std::numeric_limits<float>::quiet_NaN();
  try {
    Train(dataset_, graph, Options("run"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kNumeric);
    EXPECT_THAT(e.what(), HasSubstr("step 1, "));
    EXPECT_THAT(e.what(), HasSubstr(".png: the loss is nan"));
  }
}

TEST_F(TrainerTest, LabelsWithoutAClassNameTheLineBeforeAnythingIsWritten) {
  for (const char* slide : {"c", "d"}) {  // one to train on, one to validate
    const std::string mask = std::string(slide) + "_mask.png";
    test::WritePng(folder_.File(mask), 32, 32, 1, [](int64_t, int64_t, int64_t) { return 2; });
    EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), Options("run")); },
                ThrowsMessage<Error>(HasSubstr(mask + " has the label 2, expected 0 to 1")));
    EXPECT_FALSE(std::filesystem::exists(folder_.File("run")));
    test::WriteSlide(folder_, slide, 32, 32, static_cast<uint64_t>(slide[0]));
  }
}

TEST_F(TrainerTest, AnUpdateThatDivergesLeavesTheLastGoodState) {
  TrainOptions options = Options("run");
  options.optimizer.kind = OptimizerKind::kSgd;
  options.schedule.learning_rate = 1e300;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("the update made a weight of")));
  EXPECT_NO_THROW(ImportOnnx(folder_.File("run/last.onnx")));
  // What stopped before its first save can be continued all the same.
  options.schedule.learning_rate = 1e-3;
  options.resume = true;
  EXPECT_EQ(Train(dataset_, test::SmallNetwork(), options).steps, options.schedule.steps);
  options.schedule.steps = 1;
  EXPECT_THAT([&] { Train(dataset_, test::SmallNetwork(), options); },
              ThrowsMessage<Error>(HasSubstr("expected at least as many now, found 1")));
}

TEST_F(TrainerTest, WithoutValidationTheModelIsTheLast) {
  test::WriteFile(folder_.File("slides.csv"), "slide,mask,split\na.png,a_mask.png,train\n");
  const TrainResult result =
      Train(OpenDataset(folder_.File("slides.csv")), test::SmallNetwork(), Options("run"));
  EXPECT_FALSE(result.best.has_value());
  EXPECT_EQ(TrainableValues(ImportOnnx(folder_.File("run/model.onnx"))), result.last_weights);
  test::WriteFile(folder_.File("slides.csv"), "slide,mask,split\na.png,a_mask.png,val\n");
  EXPECT_THAT([&] { Train(OpenDataset(folder_.File("slides.csv")), test::SmallNetwork(), Options("none")); },
              ThrowsMessage<Error>(HasSubstr("expected slides of split train, found none")));
}

TEST(SlideOrderTest, IsAPermutationThatChangesWithEpochAndSeed) {
  std::set<std::vector<int64_t>> orders;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (int64_t epoch = 0; epoch < 3; ++epoch) {
      const auto order = EpochOrder(seed, epoch, 20);
      orders.insert(order);
      EXPECT_EQ(std::set<int64_t>(order.begin(), order.end()).size(), 20u);
    }
  }
  EXPECT_EQ(orders.size(), 9u);
  EXPECT_EQ(EpochOrder(1, 0, 5), (std::vector<int64_t>{0, 4, 1, 2, 3}));
}

/// A pooled network that says whether a slide has a dark square; slides with one and without.
class SlideTrainerTest : public testing::Test {
 protected:
  SlideTrainerTest() {
    std::string csv = "slide,target,split\n";
    for (int i = 0; i < 12; ++i) {
      const bool positive = i % 2 == 0;
      const std::string name = "s" + std::to_string(i) + ".png";
      SplitMix64 random(static_cast<uint64_t>(i) + 1);
      test::WritePng(folder_.File(name), 37, 29, 3, [&](int64_t x, int64_t y, int64_t) {
        const bool square = positive && x >= 8 && x < 16 && y >= 6 && y < 14;
        return static_cast<uint8_t>((square ? 90 : 190) + random.Next() % 64);
      });
      csv += name + (positive ? ",foreground," : ",background,") + (i < 8 ? "train\n" : "val\n");
    }
    test::WriteFile(folder_.File("slides.csv"), csv);
    dataset_ = OpenDataset(folder_.File("slides.csv"), {.labels = Labels::kTargets});
  }

  /// Image-wide BatchNormalization in the middle, so that running statistics are part of the run.
  static Graph Network() {
    Graph graph = test::SmallNetwork();
    const Parameter up = graph.parameters[4];
    graph.nodes.pop_back();
    graph.parameters.resize(4);
    const auto ones = [&](const char* name, float value, bool trainable) {
      return graph.AddParameter(
          {.name = name, .dims = {3}, .values = {value, value, value}, .trainable = trainable});
    };
    const std::vector<int> bn = {ones("gamma", 1, true), ones("beta", 0, true), ones("mean", 0, false),
                                 ones("variance", 1, false)};
    int t = graph.AddNode("bn", MakeImageBatchNormalization({}), {graph.nodes.back().dst}, bn);
    t = graph.AddNode("pool", MakeGlobalReduce({.kind = ReduceKind::kMax, .keep_dims = false}), {t});
    const int w = graph.AddParameter({.name = "fc", .dims = {1, 3}, .values = {0.1f, -0.1f, 0.2f}});
    const int b = graph.AddParameter({.name = "fb", .dims = {1}, .values = {0.0f}});
    graph.output = graph.AddNode("fc", MakeLinear({.transposed = true}), {t}, {w, b});
    return graph;
  }

  TrainOptions Options(const std::string& run, int64_t steps) const {
    return {.out = folder_.File(run),
            .slide_loss = SlideLossOptions{.kind = SlideLossKind::kBce},
            .schedule = {.kind = ScheduleKind::kConstant, .learning_rate = 0.02, .steps = steps},
            .validate_every = 20,
            .plan = {.threads = 1, .strips = 2}};
  }

  TemporaryFolder folder_;
  Dataset dataset_;
};

TEST_F(SlideTrainerTest, LearnsFromOneTargetASlide) {
  Recorder recorder;
  const TrainResult result = Train(dataset_, Network(), Options("run", 120), &recorder);
  EXPECT_LT(result.best->value, 0.3);
  EXPECT_EQ(recorder.validations.back().score.name, "auc");
  EXPECT_EQ(recorder.validations.back().score.value, 1);
  const Graph back = ImportOnnx(folder_.File("run/model.onnx"));
  EXPECT_EQ(back.metadata.at("swath.loss"), "bce");
  EXPECT_NE(back.parameters[6].values[0], 0) << "running means follow the images";
}

TEST_F(SlideTrainerTest, GoesOnAsIfItHadNeverStopped) {
  const TrainResult whole = Train(dataset_, Network(), Options("whole", 9));
  Train(dataset_, Network(), Options("parts", 4));
  TrainOptions rest = Options("parts", 9);
  rest.resume = true;
  EXPECT_EQ(Train(dataset_, Network(), rest).last_weights, whole.last_weights);
}

TEST_F(SlideTrainerTest, ATargetOfTheWholeSlideAllowsNoRegions) {
  TrainOptions options = Options("run", 2);
  options.sample_region = RegionSize{8, 8};
  EXPECT_THAT([&] { Train(dataset_, Network(), options); },
              ThrowsMessage<Error>("regions cannot be sampled: a target is that of the whole slide"));
}

/// A map of as many pixels, transposed, would give as many values.
TEST_F(SlideTrainerTest, ANetworkOfOneSizeRefusesTransposedSlides) {
  Graph graph = test::SmallNetwork();
  graph.nodes.pop_back();
  graph.parameters.resize(4);
  const int map = graph.AddNode("collect", MakeCollect(), {graph.nodes.back().dst});
  const int values = graph.AddNode("flat", MakeReshape(4, {1, 855}), {map});
  const int w =
      graph.AddParameter({.name = "fc", .dims = {1, 855}, .values = std::vector<float>(855, 0.01f)});
  const int b = graph.AddParameter({.name = "fb", .dims = {1}, .values = {0.0f}});
  graph.output = graph.AddNode("fc", MakeLinear({.transposed = true}), {values}, {w, b});
  graph.fixed_width = 38;
  graph.fixed_height = 30;
  TrainOptions options = Options("run", 2);
  options.augment.flip = true;
  EXPECT_EQ(Train(dataset_, graph, options).steps, 2);
  options.out = folder_.File("transposed");
  options.augment.transpose = true;
  EXPECT_THAT(
      [&] { Train(dataset_, graph, options); },
      ThrowsMessage<Error>(HasSubstr("slides.csv:2: s0.png: transposed, 29x37: the network takes images "
                                     "of 38x30 only, found 30x38")));
}

TEST_F(SlideTrainerTest, NamesTheLineOfATargetThatIsNoClass) {
  dataset_.entries[3].target = "maybe";
  try {
    Train(dataset_, Network(), Options("run", 2));
    FAIL() << "was not refused";
  } catch (const Error& e) {
    EXPECT_THAT(e.what(),
                HasSubstr("slides.csv:5: s3.png: target: expected one of background, foreground, or 0 to 1, "
                          "found 'maybe'"));
  }
}

}  // namespace
}  // namespace swath
