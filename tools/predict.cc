/// `swath predict`: maps of a slide, written by rows.
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "swath/dataset.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "tools/attention_map.h"
#include "tools/commands.h"
#include "tools/model_pixels.h"
#include "tools/options.h"
#include "tools/plan_report.h"
#include "tools/progress_line.h"
#include "tools/resources.h"
#include "tools/slide_list.h"
#include "tools/slide_outputs.h"
#include "tools/slide_predictor.h"
#include "tools/tissue_option.h"
#include "train/csv.h"

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
  SlideOptions slide;
  std::string region;
  std::string probability = "uint8";
  double simplify = 1;
  bool no_outlines = false;
  bool json = false;
  bool find_tissue = false;
  PlanOptions plan;
  int64_t memory = 0;
};

/// Nothing that is read, and nothing that another slide of this run writes, may be written over.
void CheckOutputs(const Settings& settings, const std::vector<PredictTask>& tasks) {
  std::map<std::string, std::string> names;
  for (const PredictTask& task : tasks) {
    const fs::path slide(task.slide);
    std::error_code error;
    if (fs::equivalent(slide.parent_path().empty() ? "." : slide.parent_path(), settings.out, error)) {
      Fail(ErrorCode::kUsage, "--out {}: is the folder of {}, expected another one", settings.out,
           task.slide);
    }
    const auto [other, first] = names.insert({task.name, task.slide});
    if (!first) {
      Fail(ErrorCode::kUsage,
           "{} and {} would be written under one name, '{}'; predict them into two folders", other->second,
           task.slide, other->first);
    }
  }
}

/// Of the results of a slide, or of one of several regions of it.
std::string Name(const fs::path& slide, const std::optional<Region>& region) {
  const std::string stem = slide.stem().string();
  return region ? fmt::format("{}_{}_{}_{}x{}", stem, region->x, region->y, region->width, region->height)
                : stem;
}

std::vector<PredictTask> FindTasks(const Settings& settings, const Graph& graph) {
  RowOptions rows{.level = settings.level, .mpp = settings.mpp, .model_mpp = ModelMpp(graph)};
  if (!settings.region.empty()) {
    if (fs::is_directory(settings.input) || IsCsv(settings.input))
      Fail(ErrorCode::kUsage, "--region: is for one slide; a CSV file has a column region");
    rows.region = ParseRegion(settings.region);
  }
  std::vector<PredictTask> tasks;
  if (fs::is_directory(settings.input) || !IsCsv(settings.input)) {
    for (const ListedSlide& slide : ListSlides(settings.input, settings.slide))
      tasks.push_back({slide.path, Name(slide.path, rows.region), rows, slide.options});
  } else {
    const Dataset dataset = OpenDataset(settings.input, {.level = rows.level,
                                                         .mpp = rows.mpp,
                                                         .model_mpp = rows.model_mpp,
                                                         .slide = settings.slide,
                                                         .labels = Labels::kNone,
                                                         .find_tissue = settings.find_tissue});
    for (const DatasetEntry& entry : dataset.entries) {
      if (!settings.split.empty() && ToString(entry.split) != settings.split) continue;
      tasks.push_back(
          {entry.slide, Name(entry.slide, entry.region), rows, entry.slide_options, entry.tissue});
      tasks.back().rows.region = entry.region;
    }
    if (tasks.empty()) Fail(ErrorCode::kInput, "{}: no slide of split '{}'", settings.input, settings.split);
  }
  return tasks;
}

void TellPixelSize(const Settings& settings, const Graph& graph, const std::vector<PredictTask>& tasks) {
  if (!ModelMpp(graph)) return;  // without opening slides for nothing
  std::vector<SlideRead> slides;
  for (const PredictTask& task : tasks)
    slides.push_back({task.slide, Slide::Open(task.slide, task.options)->PixelSize(task.rows)});
  TellPixelSize(settings.model, graph, tasks.front().rows, slides);
}

double Pixels(const Plan& plan) { return static_cast<double>(plan.width) * static_cast<double>(plan.height); }

/// What a limit of memory costs.
void PrintCost(const Resources& resources, const std::string& name, const Resources::Fitted& fitted) {
  if (!resources.limited()) return;
  fmt::print(stderr, "{}: {}; {} planned for the whole process\n", name, Division(fitted.plan),
             Bytes(fitted.process_bytes));
}

/// A CSV file of this run, complete or not there.
class Table {
 public:
  Table(const std::string& path, const std::vector<std::string>& columns)
      : pending_(path), file_(pending_.temporary()) {
    AddLine(columns);
  }
  void AddLine(std::vector<std::string> fields) {
    for (std::string& field : fields) field = CsvField(field);
    file_ << fmt::format("{}\n", fmt::join(fields, ","));
  }
  void Finish() {
    file_.close();
    if (!file_) Fail(ErrorCode::kOutput, "{}: cannot be written", pending_.path());
    pending_.Commit();
  }
  const std::string& path() const { return pending_.path(); }

 private:
  PendingFile pending_;
  std::ofstream file_;
};

/// Predicts slide after slide. One that turns out to be damaged does not keep the others from being
/// predicted.
class Slides {
 public:
  explicit Slides(const std::vector<PredictTask>& tasks) : tasks_(tasks) {}

  /// predict(i) for every task. What is wrong with one of several slides is said at once.
  template <class F>
  void ForEach(F&& predict) {
    for (size_t i = 0; i < tasks_.size(); ++i) {
      try {
        predict(i);
      } catch (const Error& error) {
        if (tasks_.size() == 1 || error.code() == ErrorCode::kOutput) throw;
        if (failed_++ == 0) code_ = error.code();
        fmt::print(stderr, "swath: {}\n", error.what());
      }
    }
  }

  /// Writes the table of those that were predicted. Throws Error, of the first that was not, if that is not
  /// all.
  void Finish(const Settings& settings, Table* table) const {
    if (failed_ == tasks_.size()) Fail(code_, "none of {} slides could be predicted", failed_);
    table->Finish();
    if (!settings.json) fmt::print("{}\n", table->path());
    if (failed_ > 0)
      Fail(code_, "{} of {} slides could not be predicted; {} has the others", failed_, tasks_.size(),
           table->path());
  }

 private:
  const std::vector<PredictTask>& tasks_;
  size_t failed_ = 0;
  ErrorCode code_ = ErrorCode::kInput;
};

/// What a slide has led to, for people or for machines.
void PrintResult(const Settings& settings, nlohmann::ordered_json result,
                 const std::vector<std::string>& files) {
  if (!settings.json) {
    for (const std::string& file : files) fmt::print("{}\n", file);
    return;
  }
  result["files"] = files;
  fmt::print("{}\n", JsonText(result));
  std::fflush(stdout);  // a line a slide, for whoever waits for it
}

/// A network with one output a slide: predictions.csv, and where it looked.
void RunSlides(const Settings& settings, const Graph& graph) {
  const SlideOutputs outputs(graph);
  const std::optional<AttentionMap> attention = AttentionMap::Of(graph);
  const Resources resources(graph, settings.plan, settings.memory);
  const std::vector<PredictTask> tasks = FindTasks(settings, graph);
  CheckOutputs(settings, tasks);
  const auto open = [&](const PredictTask& task) {
    return ExtendedImage(graph, Prefetch(Slide::Open(task.slide, task.options)->OpenRows(task.rows)));
  };
  std::vector<Resources::Fitted> plans, attention_plans;
  for (const PredictTask& task : tasks) {
    const auto image = open(task);
    plans.push_back(resources.Fit(graph, nullptr, {.image = image.get()}));
    if (attention) attention_plans.push_back(attention->Fit(task, *image, resources));
  }
  TellPixelSize(settings, graph, tasks);
  MakeFolder(settings.out);
  const std::vector<std::string> names = outputs.Names();
  std::vector<std::string> columns = {"slide"};
  columns.insert(columns.end(), names.begin(), names.end());
  Table table(settings.out + "/predictions.csv", columns);
  Slides slides(tasks);
  slides.ForEach([&](size_t i) {
    const PredictTask& task = tasks[i];
    const auto image = open(task);
    PrintCost(resources, task.name, plans[i]);
    PixelProgress line(task.name, Pixels(plans[i].plan));
    const std::vector<double> figures = outputs.Figures(
        task.slide, outputs.Predict(*image, plans[i].plan.options,
                                    [&](int64_t done, int64_t total) { line.Show(done, total); }));
    std::vector<std::string> fields = {task.name};
    nlohmann::ordered_json json = {{"slide", task.slide}, {"name", task.name}};
    for (size_t f = 0; f < figures.size(); ++f) {
      fields.push_back(fmt::format("{:.6g}", figures[f]));
      json["outputs"][names[f]] = figures[f];
    }
    std::vector<std::string> files;
    if (attention) {
      attention->Run(task, *image, attention_plans[i].plan.options, settings.out);
      files = AttentionMap::Files(task, settings.out);
    }
    table.AddLine(fields);
    PrintResult(settings, json, files);
  });
  slides.Finish(settings, &table);
}

/// A line a class.
void AddLines(const PredictTask& task, const std::vector<std::string>& classes,
              const std::vector<ClassFigures>& figures, double pixels, Table* table) {
  for (size_t c = 0; c < figures.size(); ++c) {
    const ClassFigures& of = figures[c];
    table->AddLine({task.name, classes[c], fmt::format("{}", of.pixels),
                    fmt::format("{:.6g}", static_cast<double>(of.pixels) / pixels),
                    of.square_millimetres ? fmt::format("{:.6g}", *of.square_millimetres) : "",
                    of.areas ? fmt::format("{}", *of.areas) : "",
                    fmt::format("{:.6g}", of.mean_probability)});
  }
}

nlohmann::ordered_json ToJson(const PredictTask& task, const std::vector<std::string>& classes,
                              const SlidePredictor::Result& result) {
  const auto known = [](double mpp) { return mpp > 0 ? nlohmann::ordered_json(mpp) : nullptr; };
  nlohmann::ordered_json json = {{"slide", task.slide},
                                 {"name", task.name},
                                 {"width", result.map.width},
                                 {"height", result.map.height},
                                 {"mpp_x", known(result.map.mpp_x)},
                                 {"mpp_y", known(result.map.mpp_y)}};
  if (result.tissue_pixels) json["tissue_pixels"] = *result.tissue_pixels;
  for (size_t c = 0; c < classes.size(); ++c) {
    const ClassFigures& of = result.classes[c];
    nlohmann::ordered_json entry = {{"class", classes[c]}, {"pixels", of.pixels}};
    if (of.square_millimetres) entry["mm2"] = *of.square_millimetres;
    if (of.areas) entry["areas"] = *of.areas;
    entry["mean_probability"] = of.mean_probability;
    json["classes"].push_back(entry);
  }
  return json;
}

/// Finds the tissue of slides, once of several regions of one.
class TissueFinder {
 public:
  /// Null where it cannot be told from glass, which is said on standard error.
  std::shared_ptr<const TissueMap> Of(const PredictTask& task) {
    if (task.slide == slide_ && task.options.mpp == mpp_) return tissue_;
    slide_.clear();
    try {
      tissue_ = std::make_shared<const TissueMap>(FindTissueShown(*Slide::Open(task.slide, task.options)));
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
      fmt::print(stderr, "swath: warning: {}; all of the slide is predicted\n", error.what());
      tissue_ = nullptr;
    }
    slide_ = task.slide;
    mpp_ = task.options.mpp;
    return tissue_;
  }

 private:
  std::string slide_;
  std::optional<double> mpp_;
  std::shared_ptr<const TissueMap> tissue_;  ///< of that slide
};

/// A network with an output a pixel: maps of every slide, and summary.csv.
void RunPixels(const Settings& settings, const Graph& graph) {
  MapFormat format;
  if (settings.probability == "float32") format.samples = ProbabilitySamples::kFloat32;
  format.simplify = settings.no_outlines ? std::nullopt : std::optional(settings.simplify);
  const SlidePredictor predictor(graph, format);
  const std::vector<std::string>& classes = predictor.format().classes;
  const Resources resources(graph, settings.plan, settings.memory);
  const std::vector<PredictTask> tasks = FindTasks(settings, graph);
  CheckOutputs(settings, tasks);
  std::vector<Resources::Fitted> plans;
  for (const PredictTask& task : tasks) plans.push_back(predictor.Fit(task, resources));
  TellPixelSize(settings, graph, tasks);
  MakeFolder(settings.out);
  Table table(settings.out + "/summary.csv",
              {"slide", "class", "pixels", "fraction", "mm2", "areas", "mean_probability"});
  TissueFinder tissue;
  Slides slides(tasks);
  slides.ForEach([&](size_t i) {
    PredictTask task = tasks[i];
    if (settings.find_tissue && !task.tissue) task.tissue = tissue.Of(task);
    PrintCost(resources, task.name, plans[i]);
    SlidePredictor::Result result;
    {
      PixelProgress line(fmt::format("{} of {}: {}", i + 1, tasks.size(), task.name), Pixels(plans[i].plan));
      result = predictor.Run(task, plans[i].plan.options, settings.out,
                             [&](int64_t done, int64_t total) { line.Show(done, total); });
    }
    if (result.tissue_pixels == 0)
      fmt::print(stderr, "swath: {}: no tissue was found: all is the first class\n", task.name);
    AddLines(task, classes, result.classes,
             static_cast<double>(result.map.width) * static_cast<double>(result.map.height), &table);
    PrintResult(settings, ToJson(task, classes, result), MapFiles(predictor.format(), task, settings.out));
  });
  slides.Finish(settings, &table);
}

void Run(const Settings& settings) {
  const Graph graph = LoadModel(settings.model, 1);
  const bool slides = InCore(graph)[static_cast<size_t>(graph.output)];
  if (slides && settings.find_tissue)
    Fail(ErrorCode::kUsage, "--tissue: is of maps, {} gives values of the slide", settings.model);
  slides ? RunSlides(settings, graph) : RunPixels(settings, graph);
}

}  // namespace

void AddPredict(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "predict",
      "Runs a network over slides and writes, for each, into --out:\n"
      "  NAME_mask.ome.tif               the class of every pixel, an OME-TIFF pyramid\n"
      "  NAME_probability_CLASS.ome.tif  the probability of every class but the first: uint8, 0 to 255,\n"
      "                                  or float32, 0 to 1 (--probability)\n"
      "  NAME.geojson                    outlines of the areas of every class but the first, for QuPath\n"
      "  NAME_overlay.png                the classes over a thumbnail\n"
      "and summary.csv with a line a slide and class: pixels, mm2, areas, mean probability.\n"
      "Maps have the size of the level, or region, that was read; the names of regions end in "
      "_X_Y_WIDTHxHEIGHT. Of a CSV\n"
      "file only slide, split, region, mpp and, with --tissue, tissue are looked at. Of a folder, files "
      "named *_mask\n"
      "are left out.\n"
      "A network with one output a slide writes predictions.csv instead, and where it has attention "
      "NAME_attention.ome.tif\n"
      "and .png.\n\n"
      "Example: swath predict slide.svs --model run/model.onnx --out maps");
  command->add_option("INPUT", settings->input, "A slide, a folder of slides, or a data set's CSV file")
      ->required();
  command->add_option("--model", settings->model, "ONNX file or built-in name")->required();
  command->add_option("--out", settings->out, "Folder to write to; made if absent")->required();
  command->add_option("--split", settings->split, "Of a CSV file: only train, val or test");
  AddPixelOptions(command, kModelLevelHelp, &settings->level, &settings->mpp);
  AddSlideMppOption(command, &settings->slide);
  command->add_option("--region", settings->region,
                      "x,y,width,height in level-0 pixels: of a slide only this");
  AddTissueOption(command, "classes are predicted (elsewhere is the first)", &settings->find_tissue);
  command->add_option("--probability", settings->probability, "Samples of the maps of probability")
      ->check(CLI::IsMember({"uint8", "float32"}))
      ->capture_default_str();
  auto* simplify = AddSimplifyOption(command, &settings->simplify);
  command->add_flag("--no-outlines", settings->no_outlines, "No GeoJSON")->excludes(simplify);
  command->add_flag("--json", settings->json, "Print one JSON object a slide, a line each");
  AddThreadsOption(command, &settings->plan);
  AddPrecisionOption(command, &settings->plan);
  AddMemoryOption(command, &settings->memory);
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
