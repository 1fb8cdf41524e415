/// `swath eval`: Dice and IoU of a network on labelled slides, next to a colour threshold.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"
#include "swath/dataset.h"
#include "swath/model.h"
#include "tools/commands.h"
#include "tools/eval_targets.h"
#include "tools/evaluate_pixels.h"
#include "tools/label_options.h"
#include "tools/model_pixels.h"
#include "tools/options.h"
#include "tools/resources.h"
#include "tools/splits.h"
#include "tools/tissue_option.h"

namespace swath::tools {
namespace {

struct Settings {
  std::string model;
  std::string data;
  std::string split = "test";
  int ignore_label = 255;
  DatasetOptions pixels;
  LabelOptions labels;
  PlanOptions plan;
  int64_t memory = 0;
  bool json = false;
};

struct Spread {
  double mean = 0;
  double deviation = 0;  ///< of the sample; 0 for one slide
};

template <class Figure>
Spread MeanAndDeviation(const std::vector<PixelScore>& scores, Figure figure) {
  Spread s;
  for (const PixelScore& score : scores)
    s.mean += std::invoke(figure, score) / static_cast<double>(scores.size());
  for (const PixelScore& score : scores) {
    const double off = std::invoke(figure, score) - s.mean;
    s.deviation += off * off;
  }
  s.deviation = scores.size() > 1 ? std::sqrt(s.deviation / static_cast<double>(scores.size() - 1)) : 0;
  return s;
}

void PrintTable(const std::vector<PixelScore>& scores) {
  std::printf("%-32s %8s %8s %8s %10s\n", "slide", "Dice", "IoU", "loss", "Otsu Dice");
  for (const PixelScore& s : scores) {
    std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", s.slide.c_str(), s.Dice(), s.Iou(), s.loss, s.otsu);
  }
  const Spread dice = MeanAndDeviation(scores, &PixelScore::Dice),
               iou = MeanAndDeviation(scores, &PixelScore::Iou),
               loss = MeanAndDeviation(scores, &PixelScore::loss),
               otsu = MeanAndDeviation(scores, &PixelScore::otsu);
  std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", "mean", dice.mean, iou.mean, loss.mean, otsu.mean);
  std::printf("%-32s %8.4f %8.4f %8.4f %10.4f\n", "sd", dice.deviation, iou.deviation, loss.deviation,
              otsu.deviation);
}

void PrintJson(const std::vector<PixelScore>& scores) {
  nlohmann::json slides = nlohmann::json::array();
  for (const PixelScore& s : scores) {
    slides.push_back(
        {{"slide", s.slide}, {"dice", s.Dice()}, {"iou", s.Iou()}, {"loss", s.loss}, {"otsu_dice", s.otsu}});
  }
  const auto spread = [&](auto figure) {
    const Spread s = MeanAndDeviation(scores, figure);
    return nlohmann::json{{"mean", s.mean}, {"sd", s.deviation}};
  };
  fmt::print("{}\n", JsonText(nlohmann::json{{"slides", slides},
                                             {"dice", spread(&PixelScore::Dice)},
                                             {"iou", spread(&PixelScore::Iou)},
                                             {"otsu_dice", spread(&PixelScore::otsu)}},
                              2));
}

void Run(const Settings& settings) {
  const Graph graph = LoadModel(settings.model, 1);
  const Resources resources(graph, settings.plan, settings.memory);
  const bool of_slides = InCore(graph)[static_cast<size_t>(graph.output)];
  DatasetOptions pixels = settings.pixels;
  pixels.model_mpp = ModelMpp(graph);
  pixels.labels = of_slides ? Labels::kTargets : Labels::kMasks;
  if (of_slides && pixels.find_tissue)
    Fail(ErrorCode::kUsage, "--tissue: is of maps, {} gives values of the slide", settings.model);
  if (!of_slides) {
    pixels.label_rules =
        MakeLabelRules(settings.labels, ModelClasses(graph), static_cast<uint8_t>(settings.ignore_label));
  }
  Dataset dataset = OpenDataset(settings.data, pixels);
  TellPixelSize(settings.model, graph, dataset, settings.split);
  if (of_slides) {
    return EvalTargets(graph, dataset,
                       {.split = settings.split, .resources = resources, .json = settings.json});
  }
  FindTissueIfWanted(&dataset, SplitsOf(settings.split));
  const PixelEvaluator evaluator(dataset, graph, static_cast<uint8_t>(settings.ignore_label), resources);
  std::vector<PixelScore> scores;
  for (const DatasetEntry& entry : dataset.entries) {
    if (!Includes(settings.split, entry.split)) continue;
    scores.push_back(evaluator.Score(entry));
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
  AddPixelOptions(command, kModelLevelHelp, &settings->pixels.level, &settings->pixels.mpp);
  AddSlideMppOption(command, &settings->pixels.slide);
  command->add_option("--ignore-label", settings->ignore_label, "Label that does not count")
      ->check(WholeNumber(0, 255))
      ->capture_default_str();
  AddLabelOptions(command, &settings->labels, "Options");
  AddTissueOption(command, "predictions are judged", &settings->pixels.find_tissue);
  AddThreadsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  AddMemoryOption(command, &settings->memory);
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
