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
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/slide_list.h"
#include "viewer/http_server.h"
#include "viewer/site.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::vector<std::string> slides;
  std::vector<std::string> overlays;
  std::vector<std::string> runs;
  viewer::HttpServer::Options server;
};

/// Of folders only what is a slide by its name, and no result.
std::vector<viewer::Exhibit> FindSlides(const std::vector<std::string>& inputs) {
  std::vector<viewer::Exhibit> exhibits;
  for (const std::string& input : inputs) {
    if (!fs::is_directory(input)) {
      exhibits.push_back({input});
      continue;
    }
    const std::vector<std::string> files = SlidesIn(input);
    std::vector<std::string> slides;
    std::copy_if(files.begin(), files.end(), std::back_inserter(slides), [&](const std::string& file) {
      return std::none_of(files.begin(), files.end(), [&](const std::string& slide) {
        return viewer::MatchResult(file, slide).has_value();
      });
    });
    if (slides.empty()) Fail(ErrorCode::kInput, "{}: no slide in this folder", input);
    for (const std::string& slide : slides) exhibits.push_back({slide});
  }
  return exhibits;
}

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
  std::vector<viewer::Exhibit> exhibits = FindSlides(settings.slides);
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
      "Only this machine can reach the address, and only who knows it: it holds a random token.\n\n"
      "Example: swath view slides/ --overlay maps");
  command->add_option("SLIDE", settings->slides, "Slides, or folders of them")->required();
  command
      ->add_option("--overlay", settings->overlays,
                   "A folder of results, or a mask, a map or annotations; may be given several times")
      ->allow_extra_args(false);
  command
      ->add_option("--run", settings->runs,
                   "A folder that has results, or folders of them; may be given several times")
      ->allow_extra_args(false);
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
