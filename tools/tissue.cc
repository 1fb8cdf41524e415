/// `swath tissue`: where the tissue of slides is, as outlines to correct and pictures to look at.
#include "swath/tissue.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "swath/overlay.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/outline_writer.h"
#include "tools/predict_task.h"
#include "tools/slide_list.h"
#include "tools/tissue_option.h"

namespace swath::tools {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string input;
  std::string out;
  SlideOptions slide;
  double simplify = 1;
  bool json = false;
};

struct Files {
  std::string outlines;
  std::string picture;
};

Files FilesOf(const Settings& settings, const ListedSlide& slide) {
  const std::string stem = settings.out + "/" + fs::path(slide.path).stem().string();
  return {stem + "_tissue.geojson", stem + "_tissue.png"};
}

/// No two slides may be written under one name.
void CheckOutputs(const std::vector<ListedSlide>& slides) {
  std::map<std::string, std::string> names;
  for (const ListedSlide& slide : slides) {
    const auto [other, is_new] = names.insert({fs::path(slide.path).stem().string(), slide.path});
    if (!is_new)
      Fail(ErrorCode::kUsage, "{} and {} would be written under one name, '{}'", other->second, slide.path,
           other->first);
  }
}

/// How many areas there are.
int64_t WriteOutlines(const Settings& settings, const SlideInfo& info, const TissueMap& tissue,
                      const std::string& path) {
  const SlideLevel& whole = info.levels.front();
  OutlineWriter writer(
      path,
      {.width = tissue.width,
       .frame = FrameOf({0, 0, whole.width, whole.height}, tissue.width, tissue.height, GeoJsonOrigin(info)),
       .tolerance = settings.simplify,
       .style = [](uint8_t) {
         return Annotation{.class_name = "Tissue", .name = {}, .colour = {{0, 150, 60}}};
       }});
  for (int64_t y = 0; y < tissue.height; ++y) writer.AddRow(tissue.cells.data() + y * tissue.width);
  writer.Finish();
  return writer.areas(1);
}

void WritePicture(const Slide& slide, const TissueMap& tissue, const std::string& path) {
  Overlay overlay(tissue.width, tissue.height, 2);
  for (int64_t y = 0; y < tissue.height; ++y) overlay.AddRow(tissue.cells.data() + y * tissue.width);
  const double downsample =
      static_cast<double>(slide.info().levels.front().width) / static_cast<double>(overlay.width());
  overlay.Write(*OpenThumbnail(slide, {}, downsample), path);
}

void Print(const Settings& settings, const SlideInfo& info, const TissueMap& tissue, int64_t areas,
           const Files& files) {
  const SlideLevel& whole = info.levels.front();
  const double share = static_cast<double>(tissue.count()) / static_cast<double>(tissue.cells.size());
  std::optional<double> square_millimetres;
  if (info.mpp_x && info.mpp_y) {
    square_millimetres = share * static_cast<double>(whole.width) * *info.mpp_x *
                         static_cast<double>(whole.height) * *info.mpp_y * 1e-6;
  }
  if (settings.json) {
    nlohmann::ordered_json json = {{"slide", info.path}, {"fraction", share}, {"areas", areas}};
    if (square_millimetres) json["mm2"] = *square_millimetres;
    json["files"] = {files.outlines, files.picture};
    fmt::print("{}\n", JsonText(json));
  } else {
    fmt::print("{}: {:.1f} % tissue{} in {}\n  {}\n  {}\n", info.path, 100 * share,
               square_millimetres ? fmt::format(", {:.4g} mm2", *square_millimetres) : "",
               Plural(areas, "area"), files.outlines, files.picture);
  }
  std::fflush(stdout);  // a slide after the other, for whoever waits for it
}

void Run(const Settings& settings) {
  const std::vector<ListedSlide> slides = ListSlides(settings.input, settings.slide);
  CheckOutputs(slides);
  MakeFolder(settings.out);
  for (const ListedSlide& listed : slides) {
    const auto slide = Slide::Open(listed.path, listed.options);
    const TissueMap tissue = FindTissueShown(*slide);
    const Files files = FilesOf(settings, listed);
    const int64_t areas = WriteOutlines(settings, slide->info(), tissue, files.outlines);
    WritePicture(*slide, tissue, files.picture);
    Print(settings, slide->info(), tissue, areas, files);
  }
}

}  // namespace

void AddTissue(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* command = app.add_subcommand(
      "tissue",
      "Finds the tissue of slides at low resolution and writes, for each, into --out:\n"
      "  NAME_tissue.geojson  its outlines, to be looked at and corrected in QuPath\n"
      "  NAME_tissue.png      the tissue over a thumbnail\n"
      "`--tissue auto` of train, eval and predict finds the same. What was corrected is named\n"
      "in the column tissue of a data set.\n\n"
      "Example: swath tissue slides.csv --out tissue");
  command->add_option("INPUT", settings->input, "A slide, a folder of slides, or a data set's CSV file")
      ->required();
  command->add_option("--out", settings->out, "Folder to write to; made if absent")->required();
  AddSlideMppOption(command, &settings->slide);
  AddSimplifyOption(command, &settings->simplify);
  command->add_flag("--json", settings->json, "Print one JSON object a slide, a line each");
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
