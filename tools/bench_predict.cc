/// `swath bench predict`: maps of a whole slide, from a JPEG-tiled file to files on disk.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/process_memory.h"
#include "base/seconds_since.h"
#include "swath/dataset.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "tools/bench_report.h"
#include "tools/bench_slide.h"
#include "tools/commands.h"
#include "tools/floor.h"
#include "tools/options.h"
#include "tools/resources.h"
#include "tools/slide_predictor.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string model = "unet-4492";
  BenchSlide slide;
  PlanOptions plan;
  int64_t runs = 1;
  bool floor = false;
  bool json = false;
};

struct Measured {
  double seconds = 0;  ///< median
  double peak_mib = 0;
  Plan plan;
  Profile profile;  ///< of the last run
  std::optional<Floor> floor;
};

/// A folder beside the slide, for maps that nobody will read.
class ScratchFolder {
 public:
  explicit ScratchFolder(const fs::path& path) : path_(path) { fs::create_directories(path_); }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

Measured Measure(const Settings& settings, const Graph& graph, const std::string& csv) {
  const SlidePredictor predictor(graph, {.simplify = std::nullopt});  // of initial weights, areas are noise
  const Resources resources(graph, settings.plan, 0);
  const std::string slide = OpenDataset(csv).entries[0].slide;
  const PredictTask task{slide, "bench", {}};
  const ScratchFolder maps(fs::path(csv).parent_path() / "maps");
  Measured measured{.plan = predictor.Fit(task, resources).plan};
  std::vector<double> seconds;
  for (int64_t i = 0; i < settings.runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    measured.profile = predictor.Run(task, measured.plan.options, maps.path(), {}).profile;
    seconds.push_back(SecondsSince(start));
  }
  std::nth_element(seconds.begin(), seconds.begin() + settings.runs / 2, seconds.end());
  measured.seconds = seconds[static_cast<size_t>(settings.runs / 2)];
  measured.peak_mib = static_cast<double>(PeakResidentBytes()) / (1024.0 * 1024.0);
  if (settings.floor) {
    SlideSample sample;
    sample.image = ExtendedImage(graph, Prefetch(Slide::Open(slide)->OpenRows(task.rows)));
    measured.floor = MeasureFloor(measured.plan, sample, SkippedShare(measured.plan, measured.profile));
  }
  return measured;
}

void Run(const Settings& settings) {
  const Size size = ParseSize("--size", settings.slide.size);
  const Graph graph = LoadModel(settings.model, settings.slide.seed);
  CheckPixelLogits(graph, ExtendedSize(graph, size.width), ExtendedSize(graph, size.height));
  const Measured m = Measure(settings, graph, MakeBenchSlide(settings.slide));
  const double megapixels = static_cast<double>(size.width * size.height) * 1e-6;
  const int64_t threads = m.plan.options.threads;
  const double peak =
      m.floor ? m.floor->multiply_adds_per_second / static_cast<double>(threads) : 0;  // of one thread
  const std::vector<ProfileLine> stages = {
      {"decode", m.profile.decode_seconds},
      {"convert", m.profile.convert_seconds},
      {"forward", m.profile.forward_seconds(), m.plan.forward_multiply_adds},
      {"output", m.profile.output_seconds}};
  const std::vector<ProfileLine> operators = Operators(m.plan, m.profile);
  if (settings.json) {
    nlohmann::json json = {{"model", settings.model},
                           {"width", size.width},
                           {"height", size.height},
                           {"runs", settings.runs},
                           {"threads", threads},
                           {"strips", m.plan.options.strips},
                           {"predict_seconds", m.seconds},
                           {"mpx_per_second", megapixels / m.seconds},
                           {"peak_rss_mib", m.peak_mib},
                           {"skipped", SkippedShare(m.plan, m.profile)},
                           {"stages", ProfileJson(stages, peak)},
                           {"operators", ProfileJson(operators, peak)}};
    if (m.floor) json.update(FloorJson(m.seconds, *m.floor));
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("%s, %lld × %lld px, JPEG tiles on disk; decode, forward, maps of class and probability\n",
              settings.model.c_str(), static_cast<long long>(size.width),
              static_cast<long long>(size.height));
  std::printf("  prediction              %10.2f s   (%.1f Mpx/s, %lld threads, strips: %lld)\n", m.seconds,
              megapixels / m.seconds, static_cast<long long>(threads),
              static_cast<long long>(m.plan.options.strips));
  PrintSkippedAndFloor("prediction", m.seconds, m.plan, m.profile, m.floor ? &*m.floor : nullptr);
  std::printf("  peak resident memory    %10.1f MiB\n", m.peak_mib);
  PrintProfile({stages, operators}, m.profile.seconds(), peak);
}

}  // namespace

void AddBenchPredict(CLI::App& bench) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command =
      bench.add_subcommand("predict",
                           "Times the prediction of a synthetic slide, read from a JPEG-tiled "
                           "BigTIFF that is made once and kept: decode, forward,\n"
                           "maps of classes and probabilities on disk. Prints the median over "
                           "--runs and the whole process's peak memory.\n\n"
                           "Example: swath bench predict --size 16000x64000 --floor");
  command->add_option("--model", settings->model, "Built-in name or ONNX file")->capture_default_str();
  AddBenchSlideOptions(command, &settings->slide);
  AddThreadsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  command->add_option("--runs", settings->runs, "Predictions to make")
      ->check(WholeNumber(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", settings->slide.seed, "Of slide and weights")
      ->check(Seed())
      ->capture_default_str();
  command->add_flag("--floor", settings->floor,
                    "Also measure what it can take at least: decoding alone, and the arithmetic at this "
                    "machine's peak");
  command->add_flag("--json", settings->json, "One JSON object");
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
