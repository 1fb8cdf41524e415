/// `swath predict`: maps of a slide, written by rows.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>

#include "base/error.h"
#include "geometry/window.h"
#include "swath/dataset.h"
#include "swath/engine.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/overlay.h"
#include "swath/pyramid_writer.h"
#include "swath/slide.h"
#include "tools/commands.h"
#include "tools/progress_line.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string model;
  std::string input;
  std::string out;
  std::string split;
  std::optional<int> level;
  std::optional<double> mpp;
  std::string probability = "uint8";
  int64_t threads = 0;
};

/// What is predicted of one slide.
struct Task {
  std::string slide;
  RowOptions rows;
};

/// By its name: what a folder holds beside slides (masks, tables) is none of our business.
bool LooksLikeSlide(const fs::path& path) {
  static const std::vector<std::string> endings = {".svs", ".tif", ".tiff", ".ndpi", ".mrxs",
                                                   ".scn", ".vms", ".vmu",  ".bif",  ".svslide",
                                                   ".png", ".jpg", ".jpeg"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return std::find(endings.begin(), endings.end(), ending) != endings.end();
}

/// Nothing that is read, and nothing that another slide of this run writes, may be written over.
void CheckOutputs(const Settings& settings, const std::vector<Task>& tasks) {
  std::map<std::string, std::string> stems;
  for (const Task& task : tasks) {
    const fs::path slide(task.slide);
    std::error_code error;
    if (fs::equivalent(slide.parent_path().empty() ? "." : slide.parent_path(), settings.out, error)) {
      Fail(ErrorCode::kUsage, "--out {}: is the folder of {}, expected another one", settings.out,
           task.slide);
    }
    const auto [other, first] = stems.insert({slide.stem().string(), task.slide});
    if (!first) {
      Fail(ErrorCode::kUsage,
           "{} and {} would be written under one name, '{}'; predict them into two folders", other->second,
           task.slide, other->first);
    }
  }
}

/// A class's name as a part of a file's.
std::string FileName(std::string name) {
  for (char& c : name) {
    if (c == '/' || static_cast<unsigned char>(c) < ' ') c = '_';
  }
  return name;
}

std::vector<Task> FindTasks(const Settings& settings) {
  const RowOptions rows{.level = settings.level, .mpp = settings.mpp};
  std::vector<Task> tasks;
  if (fs::is_directory(settings.input)) {
    for (const auto& file : fs::directory_iterator(settings.input)) {
      if (file.is_regular_file() && LooksLikeSlide(file.path()) &&
          !file.path().stem().string().ends_with("_mask"))
        tasks.push_back({file.path().string(), rows});
    }
    std::sort(tasks.begin(), tasks.end(), [](const Task& a, const Task& b) { return a.slide < b.slide; });
    if (tasks.empty()) Fail(ErrorCode::kInput, "{}: no slide in this folder", settings.input);
  } else if (fs::path(settings.input).extension() == ".csv") {
    const Dataset dataset = OpenDataset(settings.input, {.level = settings.level, .mpp = settings.mpp});
    for (const DatasetEntry& entry : dataset.entries) {
      if (!settings.split.empty() && ToString(entry.split) != settings.split) continue;
      tasks.push_back({entry.slide, rows});
      tasks.back().rows.region = entry.region;
    }
    if (tasks.empty()) Fail(ErrorCode::kInput, "{}: no slide of split '{}'", settings.input, settings.split);
  } else {
    tasks.push_back({settings.input, rows});
  }
  return tasks;
}

/// As a map of probabilities holds it, at any address.
void Store(float probability, int64_t probability_bytes, uint8_t* dst) {
  if (probability_bytes == sizeof probability) {
    std::memcpy(dst, &probability, sizeof probability);
  } else {
    *dst = static_cast<uint8_t>(std::lround(probability * 255.0f));
  }
}

/// Row of logits -> [class map | probability of every class but the first]: `width` bytes, then each `width`
/// times `probability_bytes`.
void ToBytes(const float* const* logits, int64_t classes, int64_t width, int64_t probability_bytes,
             uint8_t* bytes) {
  const auto store = [&](int64_t map, int64_t x, float probability) {
    Store(probability, probability_bytes, bytes + width + (map * width + x) * probability_bytes);
  };
  for (int64_t x = 0; x < width; ++x) {
    if (classes == 1) {
      bytes[x] = logits[0][x] > 0;
      store(0, x, 1 / (1 + std::exp(-logits[0][x])));
      continue;
    }
    int64_t best = 0;
    for (int64_t c = 1; c < classes; ++c) {
      if (logits[c][x] > logits[best][x]) best = c;
    }
    float sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(logits[c][x] - logits[best][x]);
    bytes[x] = static_cast<uint8_t>(best);
    for (int64_t c = 1; c < classes; ++c) store(c - 1, x, std::exp(logits[c][x] - logits[best][x]) / sum);
  }
}

/// Micrometres a pixel of the rows that are read, 0 where unknown.
double PixelSize(const SlideInfo& info, const RowOptions& rows) {
  if (rows.mpp) return *rows.mpp;
  if (!info.mpp_x) return 0;
  return *info.mpp_x * info.levels[static_cast<size_t>(rows.level.value_or(0))].downsample;
}

/// The smallest level that still shows the overlay's pixels, of the same region.
std::unique_ptr<RowSource> OpenThumbnail(const Slide& slide, const RowOptions& rows,
                                         double wanted_downsample) {
  RowOptions options{.level = 0, .region = rows.region};
  for (size_t i = 0; i < slide.info().levels.size(); ++i) {
    if (slide.info().levels[i].downsample <= wanted_downsample) options.level = static_cast<int>(i);
  }
  return slide.OpenRows(options);
}

class SlidePredictor {
 public:
  SlidePredictor(const Graph& graph, const Settings& settings)
      : graph_(graph),
        settings_(settings),
        classes_(ModelClasses(graph)),
        logits_(OutputChannels(graph)),
        probability_bytes_(settings.probability == "float32" ? sizeof(float) : sizeof(uint8_t)) {}

  void Run(const Task& task, const std::string& stem, const Progress& progress) {
    const auto slide = Slide::Open(task.slide);
    auto image = Prefetch(slide->OpenRows(task.rows));
    const int64_t width = image->width(), height = image->height(), multiple = ModelMultiple(graph_);
    const auto extend = [&](int64_t n) { return RoundUp(n, multiple); };
    image = ExtendedRows(std::move(image), extend(width), extend(height),
                         static_cast<uint8_t>(ModelExtension(graph_)));
    const int64_t classes = std::max<int64_t>(2, logits_);
    const int64_t pixel_bytes = 1 + (classes - 1) * probability_bytes_;
    const auto engine = MakeStreamingEngine(graph_, nullptr, image->width(), image->height(),
                                            {.threads = settings_.threads, .bytes_per_pixel = pixel_bytes});
    PyramidOptions options{.width = width,
                           .height = height,
                           .pixels = PyramidPixels::kLabels,
                           .mpp = PixelSize(slide->info(), task.rows)};
    PyramidWriter mask(stem + "_mask.tif", options);
    options.pixels = probability_bytes_ == 1 ? PyramidPixels::kGrey : PyramidPixels::kFloat32;
    std::vector<std::unique_ptr<PyramidWriter>> maps;
    for (int64_t c = 1; c < classes; ++c) {
      maps.push_back(std::make_unique<PyramidWriter>(
          stem + "_probability_" + FileName(classes_[static_cast<size_t>(c)]) + ".tif", options));
    }
    Overlay overlay(width, height, classes);
    const int64_t pitch = image->width();
    engine->Predict(
        *image,
        [&](const float* const* logits, int64_t n, uint8_t* bytes) {
          ToBytes(logits, logits_, n, probability_bytes_, bytes);
        },
        [&](Range rows, const uint8_t* bytes) {
          for (int64_t y = rows.begin; y < std::min(rows.end, height); ++y) {
            overlay.AddRow(bytes);
            mask.WriteRows(bytes, 1);
            bytes += pitch;
            for (const auto& map : maps) {
              map->WriteRows(bytes, 1);
              bytes += pitch * probability_bytes_;
            }
          }
        },
        progress);
    const SlideInfo& info = slide->info();
    const double shown =
        static_cast<double>(task.rows.region ? task.rows.region->width : info.levels[0].width) /
        static_cast<double>(overlay.width());
    overlay.Write(*OpenThumbnail(*slide, task.rows, shown), stem + "_overlay.png");
    mask.Finish();
    for (const auto& map : maps) map->Finish();
  }

 private:
  const Graph& graph_;
  const Settings& settings_;
  std::vector<std::string> classes_;
  int64_t logits_;
  int64_t probability_bytes_;
};

void Run(const Settings& settings) {
  const Graph graph = LoadModel(settings.model, 1);
  const std::vector<Task> tasks = FindTasks(settings);
  std::error_code error;
  CheckOutputs(settings, tasks);
  fs::create_directories(settings.out, error);
  if (error) Fail(ErrorCode::kOutput, "{}: cannot be created: {}", settings.out, error.message());
  SlidePredictor predictor(graph, settings);
  for (size_t i = 0; i < tasks.size(); ++i) {
    const std::string stem = (fs::path(settings.out) / fs::path(tasks[i].slide).stem()).string();
    ProgressLine line(
        fmt::format("{} of {}: {}", i + 1, tasks.size(), fs::path(tasks[i].slide).filename().string()));
    predictor.Run(tasks[i], stem, [&](int64_t done, int64_t total) { line.Show(done, total); });
    line.Done();
    std::printf("%s_mask.tif, %s_overlay.png\n", stem.c_str(), stem.c_str());
  }
}

}  // namespace

void AddPredict(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "predict",
      "Runs a network over slides and writes, for each, into --out:\n"
      "  NAME_mask.tif               the class of every pixel, a pyramidal BigTIFF\n"
      "  NAME_probability_CLASS.tif  the probability of every class but the first: uint8, 0 to 255,\n"
      "                              or float32, 0 to 1 (--probability)\n"
      "  NAME_overlay.png            the classes over a thumbnail\n"
      "Maps have the size of the level, or region, that was read. Of a folder, files named *_mask are left "
      "out.\n\n"
      "Example: swath predict slide.svs --model run/model.onnx --out maps");
  command->add_option("INPUT", settings->input, "A slide, a folder of slides, or a data set's CSV file")
      ->required();
  command->add_option("--model", settings->model, "ONNX file or built-in name")->required();
  command->add_option("--out", settings->out, "Folder to write to; made if absent")->required();
  command->add_option("--split", settings->split, "Of a CSV file: only train, val or test");
  auto* level = command->add_option("--level", settings->level, "Level of the slides [0]");
  command->add_option("--mpp", settings->mpp, "Micrometres a pixel instead of a level")->excludes(level);
  command->add_option("--probability", settings->probability, "Samples of the maps of probability")
      ->check(CLI::IsMember({"uint8", "float32"}))
      ->capture_default_str();
  command->add_option("--threads", settings->threads, "0: one for each processor")->capture_default_str();
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
