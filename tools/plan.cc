/// `swath plan`: what a step will need, before a pixel is read.
#include "swath/plan.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "swath/model.h"
#include "swath/optimizer.h"
#include "swath/slide.h"
#include "tools/commands.h"
#include "tools/model_pixels.h"
#include "tools/objective.h"
#include "tools/options.h"
#include "tools/plan_report.h"

namespace swath::tools {
namespace {

struct Settings {
  std::string model = "unet-4492";
  std::string size;
  std::string slide;
  std::optional<int> level;
  std::optional<double> mpp;
  SlideOptions slide_options;
  std::optional<std::string> loss;
  std::optional<std::string> batchnorm;
  PlanOptions plan;
  int64_t memory = 0;
  std::string optimizer = "adam";
  double momentum = 0.9;
  bool predict = false;
  bool json = false;
};

/// As training, or a prediction, reads the slide.
Size SizeRead(const Settings& settings, const Graph& graph) {
  const auto slide = Slide::Open(settings.slide, settings.slide_options);
  RowOptions rows{.level = settings.level, .mpp = settings.mpp};
  if (settings.predict) rows.model_mpp = ModelMpp(graph);
  const auto image = slide->OpenRows(rows);
  TellPixelSize(settings.model, graph, rows, {{settings.slide, slide->PixelSize(rows)}});
  return {image->width(), image->height()};
}

void Run(const Settings& settings) {
  Graph graph = LoadModel(settings.model, 1);
  const Size size = settings.slide.empty() ? ParseSize("--size", settings.size) : SizeRead(settings, graph);
  OwnedObjective owned;
  if (!settings.predict) {
    ChooseBatchNormalization(settings.model, settings.batchnorm, &graph);
    owned = MakeObjective(graph, settings.loss, -1);
  }
  const Objective objective = settings.predict ? Objective(nullptr) : owned.objective();
  const int64_t width = ExtendedSize(graph, size.width), height = ExtendedSize(graph, size.height);
  std::optional<ProcessPlan> process;
  Plan plan;
  if (settings.memory > 0) {
    process = ProcessPlan{.process_bytes = ProcessBytes(graph.parameter_bytes())};
    if (!settings.predict) {
      process->optimizer_bytes =
          Optimizer(graph, {.kind = ParseOptimizerKind(settings.optimizer), .momentum = settings.momentum})
              .state_bytes();
    }
    plan = FitPlan(graph, objective, width, height, settings.plan,
                   {.bytes = settings.memory, .total = [&](const Plan& p) {
                      return p.engine_bytes() + process->process_bytes + process->optimizer_bytes;
                    }});
  } else {
    plan = MakePlan(graph, objective, width, height, settings.plan);
  }
  if (settings.json) {
    std::printf("%s\n", PlanJson(plan).dump(2).c_str());
  } else {
    PrintPlan(plan, settings.model, process);
  }
}

}  // namespace

void AddPlan(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command =
      app.add_subcommand("plan",
                         "Prints what a training step, or a prediction, will hold in memory and compute: the "
                         "rows of every tensor that are\n"
                         "alive at once, the bytes of each part, the multiply-adds. It runs the engine's own "
                         "scheduler, without pixels.\n\n"
                         "Example: swath plan --model unet-4492 --size 16000x64000 --threads 2");
  command->add_option("--model", settings->model, "Built-in name or ONNX file")->capture_default_str();
  auto* size = command->add_option("--size", settings->size, "WIDTHxHEIGHT of the image");
  auto* slide = command->add_option("--slide", settings->slide, "Take the size of this slide, as it is read")
                    ->excludes(size);
  AddPixelOptions(command, "Level of the slide to read [0; of a prediction as for swath predict]",
                  &settings->level, &settings->mpp);
  AddSlideMppOption(command, &settings->slide_options);
  for (const char* of_slide : {"--level", "--mpp", "--slide-mpp"})
    command->get_option(of_slide)->needs(slide);
  command->add_option("--loss", settings->loss,
                      "bce, cross-entropy, dice or bce-dice; over slides bce, cross-entropy or mse");
  AddBatchNormalizationOption(command, &settings->batchnorm);
  AddThreadsOption(command, &settings->plan);
  AddStripsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  command
      ->add_option("--panels", settings->plan.panels,
                   "Panels: strips in columns, one after the other; 0: by image and network")
      ->check(WholeNumber(0, kMostCounted))
      ->capture_default_str();
  AddMemoryOption(command, &settings->memory)->excludes("--panels");
  command
      ->add_option("--optimizer", settings->optimizer, "adam, adamw or sgd: its moments count with --memory")
      ->check(CLI::IsMember({"adam", "adamw", "sgd"}))
      ->capture_default_str();
  command->add_option("--momentum", settings->momentum, "Of sgd; with 0 it remembers nothing")
      ->check(Number({.least = 0, .below = 1}))
      ->capture_default_str();
  auto* predict = command->add_flag("--predict", settings->predict, "Plan a prediction");
  for (const char* of_training : {"--loss", "--batchnorm", "--optimizer", "--momentum"})
    predict->excludes(command->get_option(of_training));
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings, size, slide] {
    if (size->empty() && slide->empty()) Fail(ErrorCode::kUsage, "plan: --size or --slide is required");
    Run(*settings);
  });
}

}  // namespace swath::tools
