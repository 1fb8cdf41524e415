/// `swath eval`: Dice and IoU of a network on labelled slides, next to a colour threshold.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"
#include "swath/dataset.h"
#include "swath/model.h"
#include "swath/otsu.h"
#include "tools/commands.h"
#include "tools/eval_targets.h"
#include "tools/label_options.h"
#include "tools/options.h"
#include "tools/progress_line.h"
#include "tools/resources.h"

namespace swath::tools {
namespace {

struct Settings {
  std::string model;
  std::string data;
  std::string split = "test";
  std::optional<int> level;
  std::optional<double> mpp;
  int ignore_label = 255;
  LabelOptions labels;
  PlanOptions plan;
  int64_t memory = 0;
  bool json = false;
};

struct SlideScore {
  std::string slide;
  double loss = 0;
  double dice = 0;  ///< mean over classes; a binary network has one, the positive
  double iou = 0;
  double otsu = 0;
};

/// Otsu's threshold against the labels, any class but 0 being tissue.
double OtsuDice(const Dataset& dataset, const DatasetEntry& entry, uint8_t ignore_label) {
  const auto image = OpenImage(dataset, entry);
  const auto labels = OpenLabels(dataset, entry, ignore_label);
  std::vector<uint8_t> rgb(static_cast<size_t>(image->width() * 3)), row(static_cast<size_t>(image->width()));
  SaturationTally tally;
  for (int64_t y = 0; y < image->height(); ++y) {
    image->Read({y, y + 1}, rgb.data());
    labels->Read({y, y + 1}, row.data());
    for (uint8_t& label : row) label = label == ignore_label ? kIgnoredLabel : label;
    tally.Add(rgb.data(), row.data(), image->width());
  }
  return tally.overlap().dice();
}

SlideScore Score(const Settings& settings, const Graph& graph, const Resources& resources, const Loss& loss,
                 const Dataset& dataset, const DatasetEntry& entry) {
  const uint8_t ignore = static_cast<uint8_t>(settings.ignore_label);
  const SlideSample sample = OpenSample(dataset, entry, graph, ignore);
  CheckPixelLogits(graph, sample.image->width(), sample.image->height());
  const auto engine = AtEntry(dataset, entry, [&] {
    return MakeStreamingEngine(graph, &loss, sample.image->width(), sample.image->height(),
                               resources.Fit(graph, &loss, sample.sample()).plan.options);
  });
  PixelProgress progress(entry.name,
                         static_cast<double>(entry.width()) * static_cast<double>(entry.height()));
  const Loss::Value value = AtEntry(dataset, entry, [&] {
    return engine->Evaluate(sample.sample(),
                            [&](int64_t done, int64_t total) { progress.Show(done, total); });
  });
  if (!std::isfinite(value.loss)) {
    Fail(ErrorCode::kNumeric, "{}:{}: {}: the loss is {}: the network's logits are infinite or not numbers",
         dataset.path, entry.line, entry.name, value.loss);
  }
  SlideScore score{.slide = entry.name, .loss = value.loss, .otsu = OtsuDice(dataset, entry, ignore)};
  for (const auto& overlap : value.overlap) {
    const double dice = overlap.Dice(), share = 1.0 / static_cast<double>(value.overlap.size());
    score.dice += share * dice;
    score.iou += share * dice / (2 - dice);
  }
  return score;
}

struct Spread {
  double mean = 0;
  double deviation = 0;  ///< of the sample; 0 for one slide
};

Spread MeanAndDeviation(const std::vector<SlideScore>& scores, double SlideScore::*field) {
  Spread s;
  for (const SlideScore& score : scores) s.mean += score.*field / static_cast<double>(scores.size());
  for (const SlideScore& score : scores) s.deviation += (score.*field - s.mean) * (score.*field - s.mean);
  s.deviation = scores.size() > 1 ? std::sqrt(s.deviation / static_cast<double>(scores.size() - 1)) : 0;
  return s;
}

void PrintTable(const std::vector<SlideScore>& scores) {
  std::printf("%-32s %8s %8s %8s %10s\n", "slide", "Dice", "IoU", "loss", "Otsu Dice");
  for (const SlideScore& s : scores) {
    std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", s.slide.c_str(), s.dice, s.iou, s.loss, s.otsu);
  }
  const Spread dice = MeanAndDeviation(scores, &SlideScore::dice),
               iou = MeanAndDeviation(scores, &SlideScore::iou),
               loss = MeanAndDeviation(scores, &SlideScore::loss),
               otsu = MeanAndDeviation(scores, &SlideScore::otsu);
  std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", "mean", dice.mean, iou.mean, loss.mean, otsu.mean);
  std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", "sd", dice.deviation, iou.deviation, loss.deviation,
              otsu.deviation);
}

void PrintJson(const std::vector<SlideScore>& scores) {
  nlohmann::json slides = nlohmann::json::array();
  for (const SlideScore& s : scores) {
    slides.push_back(
        {{"slide", s.slide}, {"dice", s.dice}, {"iou", s.iou}, {"loss", s.loss}, {"otsu_dice", s.otsu}});
  }
  const auto spread = [&](double SlideScore::*field) {
    const Spread s = MeanAndDeviation(scores, field);
    return nlohmann::json{{"mean", s.mean}, {"sd", s.deviation}};
  };
  fmt::print("{}\n", JsonText(nlohmann::json{{"slides", slides},
                                             {"dice", spread(&SlideScore::dice)},
                                             {"iou", spread(&SlideScore::iou)},
                                             {"otsu_dice", spread(&SlideScore::otsu)}},
                              2));
}

void Run(const Settings& settings) {
  const Graph graph = LoadModel(settings.model, 1);
  const Resources resources(graph, settings.plan, settings.memory);
  if (InCore(graph)[static_cast<size_t>(graph.output)]) {
    const Dataset dataset = OpenDataset(
        settings.data, {.level = settings.level, .mpp = settings.mpp, .labels = Labels::kTargets});
    return EvalTargets(graph, dataset,
                       {.split = settings.split, .resources = resources, .json = settings.json});
  }
  const int64_t logits = OutputChannels(graph);
  const auto loss = MakeLoss({.kind = logits == 1 ? LossKind::kBce : LossKind::kCrossEntropy,
                              .logits = logits,
                              .ignore_label = settings.ignore_label});
  const Dataset dataset = OpenDataset(
      settings.data, {.level = settings.level,
                      .mpp = settings.mpp,
                      .label_rules = MakeLabelRules(settings.labels, ModelClasses(graph),
                                                    static_cast<uint8_t>(settings.ignore_label))});
  std::vector<SlideScore> scores;
  for (const DatasetEntry& entry : dataset.entries) {
    if (settings.split != "all" && ToString(entry.split) != settings.split) continue;
    scores.push_back(Score(settings, graph, resources, *loss, dataset, entry));
  }
  if (scores.empty()) Fail(ErrorCode::kInput, "{}: no slide of split '{}'", settings.data, settings.split);
  if (settings.json) {
    PrintJson(scores);
  } else {
    PrintTable(scores);
  }
}

}  // namespace

void AddEval(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "eval",
      "Dice and IoU of a network on labelled slides, each and mean ± standard deviation, with the Dice of "
      "Otsu's\n"
      "threshold on saturation beside them. With several classes both are means over the classes.\n\n"
      "Example: swath eval --model run/model.onnx --data slides.csv --split test");
  command->add_option("--model", settings->model, "ONNX file or built-in name")->required();
  command->add_option("--data", settings->data, "CSV file of the data set")->required();
  command->add_option("--split", settings->split, "train, val, test or all")
      ->check(CLI::IsMember({"train", "val", "test", "all"}))
      ->capture_default_str();
  auto* level = command->add_option("--level", settings->level, "Level of the slides [0]")
                    ->check(WholeNumber(0, kMostCounted));
  command->add_option("--mpp", settings->mpp, "Micrometres a pixel instead of a level")
      ->check(Number({.above = 0}))
      ->excludes(level);
  command->add_option("--ignore-label", settings->ignore_label, "Label that does not count")
      ->check(WholeNumber(0, 255))
      ->capture_default_str();
  AddLabelOptions(command, &settings->labels, "Options");
  AddThreadsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  AddMemoryOption(command, &settings->memory);
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
