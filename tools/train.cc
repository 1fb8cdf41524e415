/// `swath train`: a network, from slides with masks or targets to a run folder.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "geometry/window.h"
#include "swath/dataset.h"
#include "swath/model.h"
#include "swath/trainer.h"
#include "tools/commands.h"
#include "tools/config_file.h"
#include "tools/label_options.h"
#include "tools/model_pixels.h"
#include "tools/objective.h"
#include "tools/options.h"
#include "tools/tissue_option.h"
#include "tools/train_progress.h"
#include "tools/weights_option.h"

namespace swath::tools {
namespace {

struct Settings {
  std::string data;
  std::string model = "unet-4492";
  std::vector<std::string> classes;
  WeightsOption weights;
  std::vector<std::string> rate_factors;
  DatasetOptions pixels;
  LabelOptions labels;
  TrainOptions train;
  int64_t steps = 0;
  int64_t epochs = 0;
  std::optional<std::string> loss;
  std::optional<std::string> batchnorm;
  std::vector<double> class_weights;
  std::string optimizer = "adam";
  std::string schedule = "cosine";
  std::optional<int64_t> warmup;
  std::vector<std::string> augment;
  std::string sample_region;
};

constexpr int64_t kDefaultSteps = 200;
constexpr int64_t kWarmupShare = 20;

int64_t Steps(const Settings& settings, const Dataset& dataset) {
  if (settings.epochs == 0) return settings.steps > 0 ? settings.steps : kDefaultSteps;
  const int64_t slides = static_cast<int64_t>(dataset.Of(Split::kTrain).size());
  return std::max<int64_t>(1, CeilDiv(settings.epochs * slides, settings.train.accumulate));
}

/// "PATTERN=FACTOR"; names may have a = of their own.
TrainOptions::RateFactor ParseRateFactor(const std::string& text) {
  const size_t equals = text.rfind('=');
  const auto factor = ParseNumber<double>(equals == std::string::npos ? "" : text.substr(equals + 1));
  if (!factor || !(*factor > 0) || equals == 0)
    Fail(ErrorCode::kUsage, "--lr-of: expected PATTERN=FACTOR, a factor above 0, found '{}'", text);
  return {.pattern = text.substr(0, equals), .factor = *factor};
}

/// The loss over pixels or over slides, as the network's output is.
void ChooseLoss(const Settings& settings, const Graph& graph, TrainOptions* options) {
  if (!InCore(graph)[static_cast<size_t>(graph.output)]) {
    options->loss.kind = ParseLossKind(settings.loss.value_or("bce"));
    options->loss.class_weights = settings.class_weights;
    return;
  }
  options->slide_loss = SlideLossOptions{.kind = ChooseSlideLoss(graph, settings.loss),
                                         .class_weights = settings.class_weights};
}

void Run(CLI::App& command, const Settings& settings) {
  TrainOptions options = settings.train;
  Graph graph = LoadModel(settings.model, options.seed, settings.classes);
  ChooseBatchNormalization(settings.model, settings.batchnorm, &graph);
  const bool initial = settings.weights.file.empty();
  if (!initial) options.weights = FormatReport(LoadWeightsOption(settings.weights, &graph));
  for (const std::string& text : settings.rate_factors) options.rate_factors.push_back(ParseRateFactor(text));
  options.augment = ParseAugmentOptions(settings.augment);
  if (!settings.sample_region.empty()) {
    const Size size = ParseSize("--sample-region", settings.sample_region);
    options.sample_region = RegionSize{size.width, size.height};
  }
  ChooseLoss(settings, graph, &options);
  // A bias that has been trained is not to be lost.
  if (command["--prior-bias"]->count() == 0)
    options.prior_bias = initial && IsBuiltInModel(settings.model) && !options.slide_loss;
  if (options.prior_bias && options.slide_loss)
    Fail(ErrorCode::kUsage, "--prior-bias: is of classes of pixels, {} gives values of the slide",
         settings.model);
  DatasetOptions pixels = settings.pixels;
  pixels.labels = options.slide_loss ? Labels::kTargets : Labels::kMasks;
  if (pixels.find_tissue && options.slide_loss)
    Fail(ErrorCode::kUsage, "--tissue: is of losses over pixels, {} gives values of the slide",
         settings.model);
  pixels.label_rules =
      MakeLabelRules(settings.labels, ModelClasses(graph), static_cast<uint8_t>(options.loss.ignore_label));
  Dataset dataset = OpenDataset(settings.data, pixels);
  TellPixelSize(settings.model, graph, dataset, ToString(Split::kTrain));
  FindTissueIfWanted(&dataset, {Split::kTrain, Split::kValidation});
  options.optimizer.kind = ParseOptimizerKind(settings.optimizer);
  options.schedule.kind = ParseScheduleKind(settings.schedule);
  options.schedule.steps = Steps(settings, dataset);
  options.schedule.warmup_steps = settings.warmup.value_or(options.schedule.steps / kWarmupShare);
  // What is used is written down, also where it was not said.
  const auto settle = [&](const char* name, int64_t value) {
    CLI::Option* option = command.get_option(name);
    if (option->count() == 0) option->default_str(fmt::format("{}", value));
  };
  if (settings.epochs == 0) settle("--steps", options.schedule.steps);
  settle("--warmup", options.schedule.warmup_steps);
  options.config = FormatConfig(command);
  TrainProgress progress(options.schedule.steps);
  const TrainResult result = Train(dataset, std::move(graph), options, &progress);
  if (result.best) {
    fmt::print("{} {:.4f}, after step {}: {}/model.onnx\n",
               options.slide_loss ? "lowest mean validation loss" : "best mean validation Dice",
               result.best->value, result.best_step, options.out);
  } else {
    fmt::print("no validation slides: the last weights are {}/model.onnx\n", options.out);
  }
  fmt::print("{} steps in {:.1f} s; curves: {}/curves.svg, figures: {}/metrics.jsonl\n", result.steps,
             result.seconds, options.out, options.out);
}

void AddDataOptions(CLI::App* command, Settings* settings) {
  command
      ->add_option("--data", settings->data,
                   "CSV with the columns slide,split and mask, or target for a network with one output a "
                   "slide; perhaps region.\nA mask is an image of labels, or annotations")
      ->required()
      ->group("Data");
  AddPixelOptions(command, "Level of the slides to read [0]", &settings->pixels.level, &settings->pixels.mpp,
                  "Data");
  AddSlideMppOption(command, &settings->pixels.slide)->group("Data");
  command->add_option("--ignore-label", settings->train.loss.ignore_label, "Label that carries no loss")
      ->check(WholeNumber(0, 255))
      ->capture_default_str()
      ->group("Data");
  AddLabelOptions(command, &settings->labels, "Data");
  AddTissueOption(command, "labels carry loss", &settings->pixels.find_tissue)->group("Data");
  command
      ->add_option("--model", settings->model,
                   fmt::format("An ONNX file, or {};\noptions follow a colon: {}",
                               fmt::join(BuiltInModelNames(), ", "), kModelOptionsExample))
      ->capture_default_str()
      ->group("Data");
  command
      ->add_option("--classes", settings->classes,
                   "Names of a built-in network's classes, the background's first [background,tissue]")
      ->delimiter(',')
      ->group("Data");
  command->add_option("--out", settings->train.out, "Run folder; made if absent")->required()->group("Data");
  command
      ->add_flag("--resume", settings->train.resume,
                 "Continue the run in --out where its training-state stopped")
      ->configurable(false)
      ->group("Data");
}

void AddAugmentOptions(CLI::App* command, Settings* settings) {
  command
      ->add_option(
          "--augment", settings->augment,
          "Change the slides at each visit, of flip, transpose, stain, brightness, contrast; the last\n"
          "three perhaps with a strength: flip,stain=0.1. Validation slides stay as they are")
      ->delimiter(',')
      ->group("Augmentation");
  command
      ->add_option("--sample-region", settings->sample_region,
                   "Train on a random region of this size, in pixels as they are read, at each visit")
      ->type_name("WxH")
      ->group("Augmentation");
}

void AddLossOptions(CLI::App* command, Settings* settings) {
  command
      ->add_option(
          "--loss", settings->loss,
          "Over pixels bce, cross-entropy, dice or bce-dice [bce]; over slides bce, cross-entropy or mse\n"
          "[by the number of outputs]")
      ->check(CLI::IsMember({"bce", "cross-entropy", "dice", "bce-dice", "mse"}))
      ->group("Loss");
  command->add_option("--class-weights", settings->class_weights, "Weight of each class, in order: 1,4")
      ->delimiter(',')
      ->check(Number({.least = 0}))
      ->group("Loss");
  command
      ->add_flag(
          "--prior-bias,!--no-prior-bias", settings->train.prior_bias,
          "Start the output's bias at the log-odds of the training labels [for built-in models without\n"
          "--weights]")
      ->group("Loss");
}

void AddNetworkOptions(CLI::App* command, Settings* settings) {
  AddWeightsOption(command, &settings->weights, "Network");
  command
      ->add_option("--freeze", settings->train.freeze,
                   "Leave the parameters of these names alone, 'encoder.*'; may be repeated")
      ->type_name("PATTERN")
      ->allow_extra_args(false)
      ->group("Network");
  AddBatchNormalizationOption(command, &settings->batchnorm)->group("Network");
  command
      ->add_flag("--dropout,!--no-dropout", settings->train.dropout, "Whether Dropout layers drop [they do]")
      ->group("Network");
}

void AddOptimizerOptions(CLI::App* command, Settings* settings) {
  OptimizerOptions& optimizer = settings->train.optimizer;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command->add_option(name, value, help)->capture_default_str()->group("Optimiser");
  };
  auto* steps = command->add_option("--steps", settings->steps, fmt::format("Updates [{}]", kDefaultSteps))
                    ->check(WholeNumber(1, kMostCounted))
                    ->group("Optimiser");
  command->add_option("--epochs", settings->epochs, "Passes over the training slides, instead of --steps")
      ->check(WholeNumber(1, kMostCounted))
      ->excludes(steps)
      ->group("Optimiser");
  add("--optimizer", settings->optimizer, "adam, adamw or sgd")
      ->check(CLI::IsMember({"adam", "adamw", "sgd"}));
  add("--lr", settings->train.schedule.learning_rate, "Highest learning rate")->check(Number({.above = 0}));
  command
      ->add_option("--lr-of", settings->rate_factors,
                   "Factor of the learning rate for parameters of these names, 'encoder.*=0.1'; may be\n"
                   "repeated: of several that match, the last counts")
      ->type_name("PATTERN=FACTOR")
      ->allow_extra_args(false)
      ->group("Optimiser");
  add("--schedule", settings->schedule, "Learning rate after the warm-up: cosine (falls to 0) or constant")
      ->check(CLI::IsMember({"cosine", "constant"}));
  command->add_option("--warmup", settings->warmup, "Steps over which the learning rate rises [a twentieth]")
      ->check(WholeNumber(0, kMostCounted))
      ->group("Optimiser");
  add("--momentum", optimizer.momentum, "Of --optimizer sgd")->check(Number({.least = 0, .below = 1}));
  add("--weight-decay", optimizer.weight_decay, "L2 for sgd and adam, decoupled for adamw")
      ->check(Number({.least = 0}));
  add("--clip", settings->train.clip_norm, "Largest norm of the gradient, 0 for any")
      ->check(Number({.least = 0}));
  add("--accumulate", settings->train.accumulate, "Slides an update")->check(WholeNumber(1, kMostCounted));
}

void AddRunOptions(CLI::App* command, Settings* settings) {
  PlanOptions& plan = settings->train.plan;
  command
      ->add_option("--validate-every", settings->train.validate_every,
                   "Steps between validations [an epoch, at least a twentieth of the run]")
      ->check(WholeNumber(1, kMostCounted))
      ->group("Run");
  command
      ->add_option(
          "--threads", plan.threads,
          "0: one for each processor; the result does not depend on them, but for rounding under --memory")
      ->check(ThreadCount())
      ->capture_default_str()
      ->group("Run");
  command->add_option("--strips", plan.strips, "Strips a slide is computed in, 0: by image and network")
      ->check(WholeNumber(0, kMostCounted))
      ->capture_default_str()
      ->group("Run");
  AddPrecisionOption(command, &plan)->group("Run");
  AddMemoryOption(command, &settings->train.memory)->group("Run");
  command
      ->add_option("--seed", settings->train.seed,
                   "Of initial weights, the order of slides and what is drawn")
      ->check(Seed())
      ->capture_default_str()
      ->group("Run");
}

}  // namespace

void AddTrain(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command =
      app.add_subcommand("train", "Train a network on slides with masks or targets, each slide in one piece");
  AddDataOptions(command, settings.get());
  AddAugmentOptions(command, settings.get());
  AddLossOptions(command, settings.get());
  AddNetworkOptions(command, settings.get());
  AddOptimizerOptions(command, settings.get());
  AddRunOptions(command, settings.get());
  command->footer(
      "The run folder gets model.onnx (best on the validation slides), last.onnx, training-state, "
      "metrics.jsonl,\n"
      "config.toml (these options, for --config), curves.svg, and with --weights weights.txt.\n\n"
      "Examples:\n"
      "  swath train --data data/slides.csv --out run\n"
      "  swath train --data data/slides.csv --model net.onnx --loss bce-dice --steps 1000 --lr 0.003 --out "
      "run\n"
      "  swath train --data data/slides.csv --model resnet-18:head=attention --batchnorm frozen --out run\n"
      "      --weights resnet18.safetensors --weights-skip fc. --freeze 'layer[12].*' --lr-of 'layer*=0.1'\n"
      "  swath train --data data/slides.csv --augment flip,transpose,stain --sample-region 8192x8192 --out "
      "run\n"
      "  swath train --config run/config.toml --resume --steps 2000\n"
      "  swath train --config run/config.toml --seed 2 --out run2");
  command->callback([command, settings] { Run(*command, *settings); });
}

}  // namespace swath::tools
