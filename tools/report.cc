/// `swath report`: a run as a page for people.
#include "report/report.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>

#include "base/digest.h"
#include "base/error.h"
#include "base/pending_file.h"
#include "swath/model.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/report_parts.h"
#include "tools/splits.h"
#include "tools/tissue_option.h"
#include "train/shared_pixels.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string run;
  std::string data;
  std::string split;
  std::string out;
  PlanOptions plan;
  int64_t memory = 0;
};

std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What the run folder says by itself.
Report ReadRun(const std::string& run) {
  if (!fs::is_directory(run))
    Fail(ErrorCode::kInput, "{}: expected the folder of a run, found {}", run,
         fs::exists(run) ? "a file" : "nothing of that name");
  for (const char* file : {"sessions.jsonl", "metrics.jsonl", "config.toml"}) {
    if (!fs::exists(run + "/" + file))
      Fail(ErrorCode::kInput, "{}: expected a run of swath train, found no {}", run, file);
  }
  if (!fs::exists(run + "/model.onnx")) {
    Fail(ErrorCode::kInput,
         "{}: found no model.onnx, which the first validation writes: the run has to go on until then", run);
  }
  Report report{.run = run};
  report.sessions = ReadRunSessions(run + "/sessions.jsonl");
  report.history = ReadRunHistory(run + "/metrics.jsonl", std::numeric_limits<int64_t>::max());
  report.config = ReadText(run + "/config.toml");
  report.model_sha256 = DigestFile(run + "/model.onnx").sha256;
  return report;
}

Dataset OpenRunDataset(const Settings& settings, const RunSession& session) {
  const std::string path = settings.data.empty() ? session.csv : settings.data;
  if (settings.data.empty() && !fs::exists(path)) {
    Fail(ErrorCode::kInput, "{}: was the data set of the run and is not there any more: name it with --data",
         path);
  }
  return OpenDataset(path, session.options);
}

/// Test slides where there are any, else those to validate.
std::string ChooseSplit(const Settings& settings, const Dataset& dataset) {
  if (!settings.split.empty()) {
    const auto is_of = [&](const DatasetEntry& entry) { return Includes(settings.split, entry.split); };
    if (!std::any_of(dataset.entries.begin(), dataset.entries.end(), is_of))
      Fail(ErrorCode::kInput, "{}: no slide of split '{}'", dataset.path, settings.split);
    return settings.split;
  }
  for (const Split split : {Split::kTest, Split::kValidation}) {
    if (!dataset.Of(split).empty()) return ToString(split);
  }
  Fail(ErrorCode::kInput, "{}: expected slides of split test or val to judge by, found none", dataset.path);
}

void Warn(const ReportTask& task, Report* report) {
  const RunSession& session = report->sessions.back();
  const RunHistory& history = report->history;
  if (history.steps < session.steps) {
    report->warnings.push_back(
        fmt::format("The run is not complete: {} of {} steps are done.", history.steps, session.steps));
  }
  if (task.split == "val" && history.best_step > 0) {
    report->warnings.push_back(
        "The weights were chosen by these validation slides: on new slides the figures are likely to be "
        "lower.");
  } else if (task.split == "train" || task.split == "all") {
    report->warnings.push_back(
        "Slides that the network was trained on are among those that it is judged on.");
  }
  if (task.split != "test" && task.split != "val") return;
  report->unseen = task.split == "test";
  for (const DatasetEntry& entry : task.dataset.entries) {
    if (!task.Judges(entry)) continue;
    const auto is_of = [&](Split split) {
      const auto entries = task.dataset.Of(split);
      return std::any_of(entries.begin(), entries.end(),
                         [&](const DatasetEntry* other) { return SharePixels(entry, *other); });
    };
    const bool trained = is_of(Split::kTrain);
    if (trained || is_of(Split::kValidation)) report->unseen = false;
    if (trained) {
      report->warnings.push_back(fmt::format(
          "{} is judged and was trained on as well: its figures say nothing of other slides.", entry.name));
    }
  }
}

void Write(const std::string& path, const std::string& page) {
  PendingFile pending(path);
  std::ofstream file(pending.temporary(), std::ios::binary);
  file << page;
  file.close();
  if (!file) Fail(ErrorCode::kOutput, "{}: cannot be written", path);
  pending.Commit();
}

void Run(const Settings& settings) {
  Report report = ReadRun(settings.run);
  const RunSession& session = report.sessions.back();
  const Graph graph = ImportOnnx(settings.run + "/model.onnx");
  PlanOptions plan = settings.plan;
  if (session.plan.value("precision", "") == ToString(Precision::kBFloat16))
    plan.precision = Precision::kBFloat16;
  const Resources resources(graph, plan, settings.memory > 0 ? settings.memory : session.memory_limit);
  Dataset dataset = OpenRunDataset(settings, session);
  const std::string split = ChooseSplit(settings, dataset);
  FindTissueIfWanted(&dataset, SplitsOf(split));
  const ReportTask task{.dataset = dataset,
                        .graph = graph,
                        .split = split,
                        .ignore_label = static_cast<uint8_t>(session.ignore_label),
                        .resources = resources};
  report.model = graph.name;
  report.split = task.split;
  report.environment = ReadEnvironment();
  report.made = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const auto is_region = [](const DatasetEntry& entry) { return entry.region.has_value(); };
  report.unit = std::any_of(dataset.entries.begin(), dataset.entries.end(), is_region) ? "region" : "slide";
  Warn(task, &report);
  const std::string out =
      settings.out.empty() ? (fs::path(settings.run) / "report.html").string() : settings.out;
  if (session.options.labels == Labels::kTargets) {
    ReportTargets(task, &report);
  } else {
    ReportPixels(task, &report);
  }
  ReportFiles(dataset, &report);
  Write(out, ReportPage(report));
  fmt::print("{}\n", out);
}

}  // namespace

void AddReport(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "report",
      "Judges the best model of a run on slides that it was not trained on, and writes one HTML page with\n"
      "everything in it: figures with confidence intervals, confusion matrix, the worst and the best slides, "
      "curves,\n"
      "options, plan, environment, SHA-256 of all files, and how to do it again. It prints well.\n\n"
      "Example: swath report run");
  command->add_option("RUN", settings->run, "Folder that swath train wrote")->required();
  command
      ->add_option("--split", settings->split,
                   "Slides to judge by: train, val, test or all [test, or val where there are none]")
      ->check(CLI::IsMember({"train", "val", "test", "all"}));
  command->add_option("--data", settings->data, "CSV file of the data set, where it has moved [the run's]");
  command->add_option("--out", settings->out, "Page to write [RUN/report.html]");
  AddThreadsOption(command, &settings->plan);
  AddMemoryOption(command, &settings->memory);
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
