/// `swath view`: slides with what was made of them, in a browser.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "swath/dataset.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/slide_list.h"
#include "train/run_session.h"
#include "viewer/http_server.h"
#include "viewer/site.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::vector<std::string> slides;
  std::vector<std::string> overlays;
  std::vector<std::string> runs;
  SlideOptions slide;
  viewer::HttpServer::Options server;
};

/// A file that is found in two ways is shown once.
void AddResult(const viewer::ResultFile& file, viewer::Exhibit* exhibit) {
  for (viewer::ResultFile& known : exhibit->results) {
    std::error_code error;  // of a file that is not there: reading it says so
    if (!fs::equivalent(known.path, file.path, error)) continue;
    known.required |= file.required;
    return;
  }
  exhibit->results.push_back(file);
}

/// A slide that is listed again, as it is for each of its regions, is shown once, with all that lies over it.
viewer::Exhibit* AddSlide(const std::string& path, const SlideOptions& options,
                          std::vector<viewer::Exhibit>* exhibits) {
  const auto known = std::find_if(exhibits->begin(), exhibits->end(), [&](const viewer::Exhibit& exhibit) {
    return exhibit.path == path && exhibit.options.mpp == options.mpp;
  });
  return known != exhibits->end() ? &*known : &exhibits->emplace_back(viewer::Exhibit{path, {}, options});
}

/// Of folders only what is a slide by its name, and no result.
void AddSlidesIn(const std::string& folder, const SlideOptions& options,
                 std::vector<viewer::Exhibit>* exhibits) {
  const std::vector<std::string> files = SlidesIn(folder);
  bool found = false;
  for (const std::string& file : files) {
    if (std::any_of(files.begin(), files.end(),
                    [&](const std::string& slide) { return viewer::MatchResult(file, slide).has_value(); }))
      continue;
    AddSlide(file, options, exhibits);
    found = true;
  }
  if (!found) Fail(ErrorCode::kInput, "{}: no slide in this folder", folder);
}

void AddDataset(const std::string& path, const SlideOptions& options,
                std::vector<viewer::Exhibit>* exhibits) {
  for (const DatasetEntry& entry : OpenDataset(path, {.slide = options, .labels = Labels::kFiles}).entries) {
    viewer::Exhibit* exhibit = AddSlide(entry.slide, entry.slide_options, exhibits);
    for (const std::string& file : {entry.mask, entry.tissue_file}) {
      if (file.empty()) continue;
      viewer::ResultFile mask{.path = file, .name = fs::path(file).filename().string()};
      if (IsAnnotationFile(file)) {
        mask.kind = viewer::ResultFile::Kind::kAnnotations;
      } else {
        mask.kind = viewer::ResultFile::Kind::kLabels;
        if (file == entry.mask) mask.region = MaskRegion(file, entry.place);
      }
      AddResult(mask, exhibit);
    }
  }
}

/// What the run was trained with.
std::string DatasetOf(const std::string& run) {
  const std::string sessions = (fs::path(run) / "sessions.jsonl").string();
  if (!fs::exists(sessions)) {
    Fail(ErrorCode::kUsage, "--run {}: expected a run of swath train, or slides beside it; found neither",
         run);
  }
  const std::string csv = ReadRunSessions(sessions).back().csv;
  if (!fs::exists(csv))
    Fail(ErrorCode::kInput, "{}: was the data set of the run and is not there any more: name the slides",
         csv);
  return csv;
}

std::vector<viewer::Exhibit> FindSlides(const Settings& settings) {
  std::vector<std::string> inputs = settings.slides;
  if (inputs.empty()) {
    if (settings.runs.empty()) Fail(ErrorCode::kUsage, "view: SLIDE or --run is required");
    std::transform(settings.runs.begin(), settings.runs.end(), std::back_inserter(inputs), DatasetOf);
  }
  std::vector<viewer::Exhibit> exhibits;
  for (const std::string& input : inputs) {
    if (fs::is_directory(input)) {
      AddSlidesIn(input, settings.slide, &exhibits);
    } else if (!IsCsv(input)) {
      AddSlide(input, settings.slide, &exhibits);
    } else {
      AddDataset(input, settings.slide, &exhibits);
    }
  }
  return exhibits;
}

/// A folder's results go to the slides that they are named after. Returns whether there are any.
bool AddFolder(const std::string& folder, std::vector<viewer::Exhibit>* exhibits) {
  bool found = false;
  for (viewer::Exhibit& exhibit : *exhibits) {
    for (const viewer::ResultFile& file : viewer::FindResults(folder, exhibit.path)) {
      AddResult(file, &exhibit);
      found = true;
    }
  }
  return found;
}

void AddOverlay(const std::string& path, std::vector<viewer::Exhibit>* exhibits) {
  if (fs::is_directory(path)) {
    if (!AddFolder(path, exhibits))
      Fail(ErrorCode::kInput, "--overlay {}: no file in it is named after one of the slides", path);
    return;
  }
  if (!fs::exists(path)) Fail(ErrorCode::kInput, "{}: cannot be opened: no such file or folder", path);
  bool found = false;
  const auto add = [&](viewer::ResultFile file, viewer::Exhibit* exhibit) {
    file.required = true;
    AddResult(file, exhibit);
    found = true;
  };
  for (viewer::Exhibit& exhibit : *exhibits) {
    if (auto file = viewer::MatchResult(path, exhibit.path)) add(std::move(*file), &exhibit);
  }
  if (found) return;
  if (exhibits->size() > 1) {
    Fail(ErrorCode::kInput, "--overlay {}: named after none of the {} slides, so it is not clear whose it is",
         path, exhibits->size());
  }
  add(viewer::DescribeResult(path), &exhibits->front());
}

/// The folder itself, and those in it: where `swath predict` has been told to write.
void AddRun(const std::string& run, std::vector<viewer::Exhibit>* exhibits) {
  if (!fs::is_directory(run)) Fail(ErrorCode::kInput, "--run {}: expected a folder", run);
  AddFolder(run, exhibits);
  for (const auto& entry : fs::directory_iterator(run)) {
    if (entry.is_directory()) AddFolder(entry.path().string(), exhibits);
  }
}

/// The first, which will be seen at once, and those with files that have to be shown; the others are opened
/// when they are looked at.
std::vector<size_t> SlidesToOpen(const std::vector<viewer::Exhibit>& exhibits) {
  std::vector<size_t> slides = {0};
  for (size_t i = 1; i < exhibits.size(); ++i) {
    const auto& results = exhibits[i].results;
    if (std::any_of(results.begin(), results.end(), [](const auto& file) { return file.required; }))
      slides.push_back(i);
  }
  return slides;
}

void Run(const Settings& settings) {
  std::vector<viewer::Exhibit> exhibits = FindSlides(settings);
  for (const std::string& path : settings.overlays) AddOverlay(path, &exhibits);
  for (const std::string& run : settings.runs) AddRun(run, &exhibits);
  const std::vector<size_t> opened = SlidesToOpen(exhibits);
  const size_t slides = exhibits.size();
  viewer::Site site(std::move(exhibits));
  std::vector<std::string> left_out;
  for (const size_t slide : opened) {
    for (const viewer::Site::Problem& problem : site.Open(slide)) {
      if (problem.required) throw problem.error;
      left_out.emplace_back(problem.error.what());
    }
  }
  for (const std::string& problem : left_out) fmt::print(stderr, "swath: not shown: {}\n", problem);
  const viewer::HttpServer server(settings.server, [&](const std::string& path) { return site.Get(path); });
  fmt::print("{}\n", server.url());
  fmt::print("{}; Ctrl-C ends it\n", Plural(static_cast<int64_t>(slides), "slide"));
  if (std::fflush(stdout) != 0) Fail(ErrorCode::kOutput, "standard output: cannot be written");
  while (true) pause();
}

}  // namespace

void AddView(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "view",
      "Shows slides in a web browser, with maps, masks and annotations over them. Prints the address; runs\n"
      "until Ctrl-C.\n\n"
      "What belongs to a slide is found by its name: NAME_mask*.tif, .png and .npy, "
      "NAME_probability_CLASS.tif,\n"
      "NAME_attention.tif (all also as .ome.tif), NAME*.geojson, .xml and .ndpa, as `swath predict` and "
      "other\n"
      "programs write them. What is found and cannot be shown is left out, with a message; a file that "
      "--overlay\n"
      "names has to be shown.\n\n"
      "The slides of a CSV file are shown with their masks or annotations.\n\n"
      "Only this machine can reach the address, and only who knows it: it holds a random token.\n\n"
      "Examples:\n  swath view slides/ --overlay maps\n  swath view data/slides.csv\n  swath view --run run");
  command->add_option("SLIDE", settings->slides,
                      "Slides, folders of them, or data sets' CSV files [with --run: the run's data set]");
  command
      ->add_option("--overlay", settings->overlays,
                   "A folder of results, or a mask, a map or annotations; may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--run", settings->runs,
          "A folder that has results, or folders of them, such as that of a run of swath train; may be\n"
          "given several times")
      ->allow_extra_args(false);
  AddSlideMppOption(command, &settings->slide);
  command->add_option("--port", settings->server.port, "Port to listen at, 0 for any that is free [0]")
      ->check(WholeNumber(0, 65535));
  command
      ->add_option(
          "--host", settings->server.host,
          "Address to listen at: any other than 127.0.0.1 or ::1 lets others reach the slides, without "
          "encryption")
      ->capture_default_str();
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
