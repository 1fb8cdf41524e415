/// `swath bench step`: one training step at full size, from a JPEG-tiled file on disk.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/seconds_since.h"
#include "swath/dataset.h"
#include "swath/model.h"
#include "swath/optimizer.h"
#include "swath/plan.h"
#include "tools/bench_report.h"
#include "tools/bench_slide.h"
#include "tools/commands.h"
#include "tools/floor.h"
#include "tools/objective.h"
#include "tools/options.h"
#include "tools/plan_report.h"

namespace swath::tools {
namespace {

constexpr int kIgnoreLabel = 255;

struct Settings {
  std::string model = "unet-4492";
  BenchSlide slide;
  std::optional<std::string> loss;
  std::optional<std::string> batchnorm;
  PlanOptions plan;
  int64_t steps = 1;
  bool floor = false;
  bool json = false;
};

struct Measured {
  double step_seconds = 0;  ///< median
  double loss = 0;
  int64_t plan_bytes = 0;
  int64_t peak_resident_bytes = 0;
  Plan plan;
  Profile profile;            ///< of the last step
  double update_seconds = 0;  ///< of the last step
  std::optional<Floor> floor;
};

Measured Measure(const Settings& settings, Graph graph, const OwnedObjective& objective,
                 const Dataset& dataset) {
  SlideSample sample = OpenSample(dataset, dataset.entries[0], graph, kIgnoreLabel);
  sample.target = objective.AnyTarget();
  const auto engine = MakeStreamingEngine(graph, objective.objective(), sample.image->width(),
                                          sample.image->height(), settings.plan);
  Optimizer optimizer(graph, {});
  Measured measured{.plan = engine->plan()};
  measured.plan_bytes = StepBytes(engine->plan(), sample.sample()) + optimizer.state_bytes();
  std::vector<double> seconds;
  for (int64_t i = 0; i < settings.steps; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const StepResult result = engine->Step(sample.sample());
    const auto update = std::chrono::steady_clock::now();
    optimizer.Step(result.gradients, 1e-3, &graph);
    measured.update_seconds = SecondsSince(update);
    seconds.push_back(SecondsSince(start));
    measured.loss = result.loss.loss;
  }
  measured.profile = engine->profile();
  std::nth_element(seconds.begin(), seconds.begin() + settings.steps / 2, seconds.end());
  measured.step_seconds = seconds[static_cast<size_t>(settings.steps / 2)];
  measured.peak_resident_bytes = PeakResidentBytes();  // before there is anything that is not the step's
  if (settings.floor) {
    measured.floor = MeasureFloor(measured.plan, sample, SkippedShare(measured.plan, measured.profile));
  }
  return measured;
}

std::vector<ProfileLine> Stages(const Measured& m) {
  return {{"decode", m.profile.decode_seconds},
          {"convert", m.profile.convert_seconds},
          {"forward", m.profile.forward_seconds(), m.plan.forward_multiply_adds},
          {"loss", m.profile.loss_seconds},
          {"backward", m.profile.backward_seconds(), m.plan.backward_multiply_adds},
          {"update", m.update_seconds}};
}

/// Of one thread.
double Peak(const Measured& m) {
  return m.floor ? m.floor->multiply_adds_per_second / static_cast<double>(m.plan.options.threads) : 0;
}

void Report(const Settings& settings, const Size& size, const Measured& m) {
  const double peak_mib = static_cast<double>(m.peak_resident_bytes) / (1024.0 * 1024.0);
  const double megapixels = static_cast<double>(size.width * size.height) * 1e-6;
  if (settings.json) {
    nlohmann::json json = {{"model", settings.model},
                           {"width", size.width},
                           {"height", size.height},
                           {"loss", m.loss},
                           {"steps", settings.steps},
                           {"threads", m.plan.options.threads},
                           {"strips", m.plan.options.strips},
                           {"sweeps", m.plan.sweeps},
                           {"step_seconds", m.step_seconds},
                           {"mpx_per_second", megapixels / m.step_seconds},
                           {"peak_rss_mib", peak_mib},
                           {"skipped", SkippedShare(m.plan, m.profile)},
                           {"plan_bytes", m.plan_bytes},
                           {"engine_bytes", m.plan.engine_bytes()},
                           {"stages", ProfileJson(Stages(m), Peak(m))},
                           {"operators", ProfileJson(Operators(m.plan, m.profile), Peak(m))}};
    if (m.floor) json.update(FloorJson(m.step_seconds, *m.floor));
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("%s, %lld × %lld px, JPEG tiles on disk; decode, forward, loss, backward, update\n",
              settings.model.c_str(), static_cast<long long>(size.width),
              static_cast<long long>(size.height));
  std::printf("  step                    %10.2f s   (%.1f Mpx/s, %lld threads, strips: %lld)\n",
              m.step_seconds, megapixels / m.step_seconds, static_cast<long long>(m.plan.options.threads),
              static_cast<long long>(m.plan.options.strips));
  PrintSkippedAndFloor("step", m.step_seconds, m.plan, m.profile, m.floor ? &*m.floor : nullptr);
  std::printf("  peak resident memory    %10.1f MiB (planned: %s)\n", peak_mib, Bytes(m.plan_bytes).c_str());
  if (settings.model == "unet-4492" && size.width == 16000 && size.height == 64000) {
    std::printf(
        "  Remedios et al. 2023    %10.2f s   and over 100 GB of unified memory, in core on an M1 Ultra\n",
        81.0);
  }
  PrintProfile({Stages(m), Operators(m.plan, m.profile)}, m.profile.seconds(), Peak(m));
}

void RunStep(Settings settings) {
  const Size size = ParseSize("--size", settings.slide.size);
  Graph graph = LoadModel(settings.model, settings.slide.seed);
  ChooseBatchNormalization(settings.model, settings.batchnorm, &graph);
  const OwnedObjective objective = MakeObjective(graph, settings.loss, kIgnoreLabel);
  // What cannot be measured is found before the slide is made, which may take minutes.
  const int64_t width = ExtendedSize(graph, size.width), height = ExtendedSize(graph, size.height);
  if (objective.pixels) CheckPixelLogits(graph, width, height);
  MakePlan(graph, objective.objective(), width, height, settings.plan);
  Report(settings, size,
         Measure(settings, std::move(graph), objective, OpenDataset(MakeBenchSlide(settings.slide))));
}

}  // namespace

void AddBenchStep(CLI::App& bench) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = bench.add_subcommand("step",
                                           "Times one training step (decode, forward, loss, backward, "
                                           "update) of a synthetic slide, read from a JPEG-tiled\n"
                                           "BigTIFF that is made once and kept. Prints the median over "
                                           "--steps and the whole process's peak memory.\n\n"
                                           "Example: swath bench step --size 16000x64000 --json");
  command->add_option("--model", settings->model, "Built-in name or ONNX file")->capture_default_str();
  AddBenchSlideOptions(command, &settings->slide);
  command->add_option(
      "--loss", settings->loss,
      "Over pixels bce, cross-entropy, dice or bce-dice; over slides bce, cross-entropy or mse\n"
      "[by the number of outputs]");
  AddBatchNormalizationOption(command, &settings->batchnorm);
  AddThreadsOption(command, &settings->plan);
  AddStripsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  command->add_option("--steps", settings->steps, "Steps to take")
      ->check(WholeNumber(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", settings->slide.seed, "Of slide and weights")
      ->check(Seed())
      ->capture_default_str();
  command->add_flag("--floor", settings->floor,
                    "Also measure what a step can take at least: decoding alone, and the arithmetic at this "
                    "machine's peak");
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings] { RunStep(*settings); });
}

}  // namespace swath::tools
