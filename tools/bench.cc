/// `swath bench step`: one training step at full size, from a JPEG-tiled file on disk.
#include <spawn.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/seconds_since.h"
#include "swath/dataset.h"
#include "swath/model.h"
#include "swath/optimizer.h"
#include "swath/plan.h"
#include "tools/commands.h"
#include "tools/floor.h"
#include "tools/objective.h"
#include "tools/options.h"
#include "tools/plan_report.h"

extern char** environ;

namespace swath::tools {
namespace {

constexpr int kIgnoreLabel = 255;

struct Settings {
  std::string model = "unet-4492";
  std::string size = "16000x64000";
  std::string data;
  std::optional<std::string> loss;
  std::optional<std::string> batchnorm;
  int64_t threads = 0;
  int64_t strips = 0;
  int64_t steps = 1;
  uint64_t seed = 1;
  bool floor = false;
  bool json = false;
};

std::string DefaultFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  return std::string(cache ? cache : home ? std::string(home) + "/.cache" : "/tmp") + "/swath/bench";
}

/// Writes the slide in a process of its own, so that its memory is not taken for the step's.
void MakeSlide(const std::string& folder, const Settings& settings) {
  std::vector<std::string> words = {"swath",
                                    "synth",
                                    folder,
                                    "--slides",
                                    "1",
                                    "--size",
                                    settings.size,
                                    "--seed",
                                    std::to_string(settings.seed),
                                    "--val",
                                    "0",
                                    "--test",
                                    "0"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, 2, 1);  // its report is not this command's output
  pid_t child = 0;
  const int failed = posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (failed || waitpid(child, &status, 0) < 0 || !WIFEXITED(status)) {
    throw std::runtime_error(folder +
                             ": the process that makes the slide for the benchmark did not end by itself");
  }
  // It has said why.
  if (WEXITSTATUS(status) != 0) throw CLI::RuntimeError(WEXITSTATUS(status));
}

/// Makes the slide, or leaves no folder that was not there before.
void MakeSlideOrNothing(const std::string& path, const Settings& settings) {
  namespace fs = std::filesystem;
  fs::path folder = fs::absolute(path), kept = folder;
  std::error_code ignored;
  while (!fs::exists(kept, ignored) && kept.has_relative_path()) kept = kept.parent_path();
  try {
    MakeSlide(path, settings);
  } catch (...) {
    for (; folder != kept; folder = folder.parent_path()) fs::remove(folder, ignored);  // if empty
    throw;
  }
}

struct Measured {
  double step_seconds = 0;  ///< median
  double loss = 0;
  int64_t plan_bytes = 0;
  int64_t peak_resident_bytes = 0;
  Plan plan;
  Profile profile;            ///< of the last step
  double update_seconds = 0;  ///< of the last step
  std::optional<Floor> floor;

  /// Share of the multiply-adds.
  double skipped() const {
    const int64_t all = plan.multiply_adds();
    return all > 0 ? static_cast<double>(profile.skipped()) / static_cast<double>(all) : 0;
  }
};

Measured Measure(const Settings& settings, Graph graph, const OwnedObjective& objective,
                 const Dataset& dataset) {
  SlideSample sample = OpenSample(dataset, dataset.entries[0], graph, kIgnoreLabel);
  sample.target = objective.AnyTarget();
  const auto engine =
      MakeStreamingEngine(graph, objective.objective(), sample.image->width(), sample.image->height(),
                          {.threads = settings.threads, .strips = settings.strips});
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
  if (settings.floor) measured.floor = MeasureFloor(measured.plan, sample, measured.skipped());
  return measured;
}

void PrintFloor(const Measured& m, const Floor& floor) {
  std::printf("  floor                   %10.2f s   (the step takes %.2f times as long)\n", floor.seconds(),
              m.step_seconds / floor.seconds());
  std::printf("    decode alone          %10.2f s\n", floor.decode_seconds);
  std::printf("    arithmetic            %10.2f s   (%.3g T multiply-adds at %.0f GFLOP/s)\n",
              floor.arithmetic_seconds,
              1e-12 * (1 - m.skipped()) * static_cast<double>(m.plan.least_multiply_adds),
              2e-9 * floor.multiply_adds_per_second);
  std::printf("    pixels through memory %10.2f s   (meanwhile, at %.1f GB/s)\n", floor.memory_seconds,
              1e-9 * floor.copy_bytes_per_second);
}

/// A part of the step: its seconds on all threads together, and what it computes.
struct ProfileLine {
  std::string name;
  double seconds = 0;
  int64_t multiply_adds = 0;  ///< 0: not worth counting

  /// Multiply-adds a second.
  double rate() const { return static_cast<double>(multiply_adds) / seconds; }
};

std::vector<ProfileLine> Stages(const Measured& m) {
  return {{"decode", m.profile.decode_seconds},
          {"convert", m.profile.convert_seconds},
          {"forward", m.profile.forward_seconds(), m.plan.forward_multiply_adds},
          {"loss", m.profile.loss_seconds},
          {"backward", m.profile.backward_seconds(), m.plan.backward_multiply_adds},
          {"update", m.update_seconds}};
}

std::vector<ProfileLine> Operators(const Measured& m) {
  std::vector<ProfileLine> lines;
  for (size_t i = 0; i < m.plan.ops.size(); ++i) {
    const OpPlan& op = m.plan.ops[i];
    const Profile::Op& times = m.profile.ops[i];
    const std::string kernel = op.kernel.empty() ? "" : " (" + op.kernel + ")";
    lines.push_back({op.type + " " + op.name + kernel, times.forward_seconds, op.forward_multiply_adds});
    if (times.backward_seconds > 0)
      lines.push_back(
          {op.type + " " + op.name + " backward", times.backward_seconds, op.backward_multiply_adds});
  }
  return lines;
}

/// Of one thread.
double Peak(const Measured& m) {
  return m.floor ? m.floor->multiply_adds_per_second / static_cast<double>(m.plan.options.threads) : 0;
}

void PrintProfile(const Measured& m) {
  std::printf("\nwhere the time of all threads goes\n");
  for (const auto& lines : {Stages(m), Operators(m)}) {
    for (const ProfileLine& line : lines) {
      std::printf("  %-40s %9.3f s %5.1f %%", line.name.c_str(), line.seconds,
                  100 * line.seconds / m.profile.seconds());
      if (line.multiply_adds > 0) std::printf(" %8.1f GFLOP/s", 2e-9 * line.rate());
      if (line.multiply_adds > 0 && Peak(m) > 0)
        std::printf(" %5.1f %% of peak", 100 * line.rate() / Peak(m));
      std::printf("\n");
    }
    std::printf("\n");
  }
}

nlohmann::json ProfileJson(const std::vector<ProfileLine>& lines, double peak) {
  nlohmann::json json = nlohmann::json::object();
  for (const ProfileLine& line : lines) {
    json[line.name] = {{"seconds", line.seconds}};
    if (line.multiply_adds == 0) continue;
    json[line.name]["gflops"] = 2e-9 * line.rate();
    if (peak > 0) json[line.name]["of_peak"] = line.rate() / peak;
  }
  return json;
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
                           {"skipped", m.skipped()},
                           {"plan_bytes", m.plan_bytes},
                           {"engine_bytes", m.plan.engine_bytes()},
                           {"stages", ProfileJson(Stages(m), Peak(m))},
                           {"operators", ProfileJson(Operators(m), Peak(m))}};
    if (m.floor) {
      json.update({{"floor_seconds", m.floor->seconds()},
                   {"floor_ratio", m.step_seconds / m.floor->seconds()},
                   {"decode_seconds", m.floor->decode_seconds},
                   {"arithmetic_seconds", m.floor->arithmetic_seconds},
                   {"memory_seconds", m.floor->memory_seconds},
                   {"peak_gflops", 2e-9 * m.floor->multiply_adds_per_second},
                   {"copy_gb_per_second", 1e-9 * m.floor->copy_bytes_per_second}});
    }
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("%s, %lld × %lld px, JPEG tiles on disk; decode, forward, loss, backward, update\n",
              settings.model.c_str(), static_cast<long long>(size.width),
              static_cast<long long>(size.height));
  std::printf("  step                    %10.2f s   (%.1f Mpx/s, %lld threads, strips: %lld)\n",
              m.step_seconds, megapixels / m.step_seconds, static_cast<long long>(m.plan.options.threads),
              static_cast<long long>(m.plan.options.strips));
  std::printf(
      "  skipped                 %10.1f %%   of the multiply-adds, where columns repeat: empty glass\n",
      100 * m.skipped());
  if (m.floor) PrintFloor(m, *m.floor);
  std::printf("  peak resident memory    %10.1f MiB (planned: %s)\n", peak_mib, Bytes(m.plan_bytes).c_str());
  if (settings.model == "unet-4492" && size.width == 16000 && size.height == 64000) {
    std::printf(
        "  Remedios et al. 2023    %10.2f s   and over 100 GB of unified memory, in core on an M1 Ultra\n",
        81.0);
  }
  PrintProfile(m);
}

void RunStep(Settings settings) {
  const Size size = ParseSize("--size", settings.size);
  Graph graph = LoadModel(settings.model, settings.seed);
  ChooseBatchNormalization(settings.model, settings.batchnorm, &graph);
  const OwnedObjective objective = MakeObjective(graph, settings.loss, kIgnoreLabel);
  // What cannot be measured is found before the slide is made, which may take minutes.
  const int64_t width = ExtendedSize(graph, size.width), height = ExtendedSize(graph, size.height);
  if (objective.pixels) CheckPixelLogits(graph, width, height);
  MakePlan(graph, objective.objective(), width, height,
           {.threads = settings.threads, .strips = settings.strips});
  if (settings.data.empty()) settings.data = DefaultFolder();
  const std::string folder = fmt::format("{}/{}-seed{}", settings.data, settings.size, settings.seed);
  if (!std::filesystem::exists(folder + "/slides.csv")) MakeSlideOrNothing(folder, settings);
  Report(settings, size, Measure(settings, std::move(graph), objective, OpenDataset(folder + "/slides.csv")));
}

}  // namespace

void AddBench(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* bench = app.add_subcommand("bench", "Measures this machine");
  bench->require_subcommand(1);
  CLI::App* command = bench->add_subcommand("step",
                                            "Times one training step (decode, forward, loss, backward, "
                                            "update) of a synthetic slide, read from a JPEG-tiled\n"
                                            "BigTIFF that is made once and kept. Prints the median over "
                                            "--steps and the whole process's peak memory.\n\n"
                                            "Example: swath bench step --size 16000x64000 --json");
  command->add_option("--model", settings->model, "Built-in name or ONNX file")->capture_default_str();
  command->add_option("--size", settings->size, "WIDTHxHEIGHT in pixels")->capture_default_str();
  command->add_option("--data", settings->data, "Folder that keeps the slides [~/.cache/swath/bench]");
  command->add_option(
      "--loss", settings->loss,
      "Over pixels bce, cross-entropy, dice or bce-dice; over slides bce, cross-entropy or mse\n"
      "[by the number of outputs]");
  AddBatchNormalizationOption(command, &settings->batchnorm);
  command->add_option("--threads", settings->threads, "0: one for each processor")
      ->check(ThreadCount())
      ->capture_default_str();
  command->add_option("--strips", settings->strips, "0: by image and network")
      ->check(WholeNumber(0, kMostCounted))
      ->capture_default_str();
  command->add_option("--steps", settings->steps, "Steps to take")
      ->check(WholeNumber(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", settings->seed, "Of slide and weights")->check(Seed())->capture_default_str();
  command->add_flag("--floor", settings->floor,
                    "Also measure what a step can take at least: decoding alone, and the arithmetic at this "
                    "machine's peak");
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings] { RunStep(*settings); });
}

}  // namespace swath::tools
