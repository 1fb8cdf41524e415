/// `swath annotate`: what annotations hold, and annotations in another form.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_text.h"
#include "swath/annotation.h"
#include "swath/class_colour.h"
#include "swath/png_writer.h"
#include "swath/pyramid_writer.h"
#include "swath/slide.h"
#include "tools/commands.h"
#include "tools/label_options.h"
#include "tools/options.h"
#include "tools/outline_writer.h"
#include "tools/progress_line.h"

namespace swath::tools {
namespace {

struct Settings {
  std::string annotations;
  std::string slide;
  bool json = false;
  std::string out;
  std::vector<std::string> classes;
  LabelOptions labels;
  int ignore_label = 255;
  double simplify = 0;
  std::optional<double> mpp;
  std::optional<int> level;
};

/// The areas of one class.
struct ClassSummary {
  std::string name;
  int64_t areas = 0;
  int64_t polygons = 0;
  int64_t holes = 0;
  int64_t vertices = 0;
  double square_pixels = 0;
};

std::vector<ClassSummary> Summarise(const Annotations& annotations) {
  std::vector<ClassSummary> classes;
  for (const std::string& name : annotations.Classes()) classes.push_back({.name = name});
  for (const Annotation& area : annotations.areas) {
    auto& summary = *std::find_if(classes.begin(), classes.end(),
                                  [&](const ClassSummary& c) { return c.name == area.class_name; });
    ++summary.areas;
    for (const Polygon& polygon : area.polygons) {
      ++summary.polygons;
      summary.holes += static_cast<int64_t>(polygon.holes.size());
      summary.vertices += static_cast<int64_t>(polygon.outer.size());
      for (const Ring& hole : polygon.holes) summary.vertices += static_cast<int64_t>(hole.size());
      summary.square_pixels += Area(polygon);
    }
  }
  return classes;
}

/// Of all areas, of which there is at least one.
Box BoundsOf(const Annotations& annotations) {
  Ring corners;
  for (const Annotation& area : annotations.areas) {
    for (const Polygon& polygon : area.polygons) {
      const Box box = BoxAround(polygon.outer);
      corners.insert(corners.end(), {box.least, box.most});
    }
  }
  return BoxAround(corners);
}

/// Square millimetres a square pixel, where the slide says how large its pixels are.
std::optional<double> SquareMillimetres(const SlideInfo* slide) {
  if (!slide || !slide->mpp_x || !slide->mpp_y) return std::nullopt;
  return *slide->mpp_x * *slide->mpp_y * 1e-6;
}

void PrintJson(const Annotations& annotations, const SlideInfo* slide) {
  const auto scale = SquareMillimetres(slide);
  nlohmann::json classes = nlohmann::json::array();
  for (const ClassSummary& c : Summarise(annotations)) {
    classes.push_back({{"name", c.name},
                       {"areas", c.areas},
                       {"polygons", c.polygons},
                       {"holes", c.holes},
                       {"vertices", c.vertices},
                       {"area_px", c.square_pixels},
                       {"area_mm2", scale ? nlohmann::json(*scale * c.square_pixels) : nullptr}});
  }
  nlohmann::json bounds;
  if (!annotations.areas.empty()) {
    const auto [least, most] = BoundsOf(annotations);
    bounds = {least.x, least.y, most.x, most.y};
  }
  fmt::print("{}\n", JsonText(nlohmann::json{{"path", annotations.path},
                                             {"format", annotations.format},
                                             {"classes", classes},
                                             {"without_area", annotations.without_area},
                                             {"bounds", bounds}},
                              2));
}

void Print(const Annotations& annotations, const SlideInfo* slide) {
  const auto scale = SquareMillimetres(slide);
  fmt::print("{}\n  format    {}\n", annotations.path, annotations.format);
  if (!annotations.areas.empty()) {
    const Box b = BoundsOf(annotations);
    fmt::print("  bounds    {:.6g}, {:.6g} to {:.6g}, {:.6g} px\n", b.least.x, b.least.y, b.most.x, b.most.y);
  }
  fmt::print("  {:>8}  {:>8}  {:>6}  {:>9}  {:>14}{}  class\n", "areas", "polygons", "holes", "vertices",
             "px", scale ? fmt::format("  {:>10}", "mm2") : "");
  for (const ClassSummary& c : Summarise(annotations)) {
    fmt::print("  {:>8}  {:>8}  {:>6}  {:>9}  {:>14.0f}{}  {}\n", c.areas, c.polygons, c.holes, c.vertices,
               c.square_pixels, scale ? fmt::format("  {:>10.4f}", *scale * c.square_pixels) : "",
               c.name.empty() ? "(none)" : c.name);
  }
  for (const auto& [what, count] : annotations.without_area)
    fmt::print("  without area: {}, {}\n", what, count);
}

/// Annotations, with the slide that they are of where it is given.
struct Read {
  std::unique_ptr<Slide> slide;
  Annotations annotations;

  const SlideInfo* info() const { return slide ? &slide->info() : nullptr; }
};

Read ReadBoth(const Settings& settings) {
  Read read;
  if (!settings.slide.empty()) read.slide = Slide::Open(settings.slide);
  read.annotations = ReadAnnotations(settings.annotations, read.info());
  return read;
}

void RunInfo(const Settings& settings) {
  const Read read = ReadBoth(settings);
  if (settings.json) {
    PrintJson(read.annotations, read.info());
  } else {
    Print(read.annotations, read.info());
  }
}

/// The classes that labels are of: those that are given, or all that the annotations have after a background.
std::vector<std::string> ClassesOf(const Settings& settings, const Annotations& annotations) {
  if (!settings.classes.empty()) return settings.classes;
  std::vector<std::string> classes = {"background"};
  for (const std::string& name : annotations.Classes()) {
    if (name != "background" && name != kIgnoredClass && name != "Region*") classes.push_back(name);
  }
  if (classes.size() > 255)
    Fail(ErrorCode::kUnsupported, "{}: {} classes: a mask has labels for 255", annotations.path,
         classes.size());
  return classes;
}

/// Rows of labels to a writer, with its progress.
template <class Writer>
void WriteRows(RowSource* labels, Writer* writer) {
  PixelProgress progress("mask", static_cast<double>(labels->width() * labels->height()));
  std::vector<uint8_t> row(static_cast<size_t>(labels->width()));
  for (int64_t y = 0; y < labels->height(); ++y) {
    labels->Read({y, y + 1}, row.data());
    writer->WriteRows(row.data(), 1);
    progress.Show(y + 1, labels->height());
  }
  writer->Finish();
}

void WriteMask(const Settings& settings, const Read& read) {
  if (!read.slide)
    Fail(ErrorCode::kUsage, "annotate convert: a mask is as large as the slide: --slide is needed");
  const SlideInfo& info = read.slide->info();
  const auto rows = read.slide->OpenRows({.level = settings.level, .mpp = settings.mpp});
  const SlideLevel& whole = info.levels.front();
  const std::vector<std::string> classes = ClassesOf(settings, read.annotations);
  const LabelRules rules =
      MakeLabelRules(settings.labels, classes, static_cast<uint8_t>(settings.ignore_label));
  const auto labels =
      OpenAnnotationLabels(read.annotations, rules, PlaceOfWhole(whole, rows->width(), rows->height()));
  if (settings.out.ends_with(".png")) {
    PngWriter writer(settings.out, {.width = labels->width(), .height = labels->height(), .channels = 1});
    WriteRows(labels.get(), &writer);
  } else {
    const double downsample = static_cast<double>(whole.width) / static_cast<double>(labels->width());
    PyramidWriter writer(settings.out, {.width = labels->width(),
                                        .height = labels->height(),
                                        .pixels = PyramidPixels::kLabels,
                                        .mpp_x = info.mpp_x.value_or(0) * downsample,
                                        .mpp_y = info.mpp_y.value_or(0) * downsample});
    WriteRows(labels.get(), &writer);
  }
  for (size_t i = 0; i < classes.size(); ++i) fmt::print("{:>4}  {}\n", i, classes[i]);
}

Annotation Style(const Settings& settings, uint8_t label) {
  if (label == settings.ignore_label) return {.class_name = kIgnoredClass, .name = {}};
  return {.class_name =
              label < settings.classes.size() ? settings.classes[label] : fmt::format("label {}", label),
          .name = {},
          .colour = ClassColour(label)};
}

/// The outlines of a mask's areas, in level-0 pixels of the slide where it is given.
void TraceMask(const Settings& settings) {
  const auto slide = settings.slide.empty() ? nullptr : Slide::Open(settings.slide);
  const SlideLevel size = MaskSize(settings.annotations), whole = slide ? slide->info().levels.front() : size;
  const ImagePlace place = PlaceOfWhole(whole, size.width, size.height);
  const auto labels = OpenMask(settings.annotations, place);
  OutlineWriter writer(settings.out, {.width = size.width,
                                      .frame = FrameOf(place.region, size.width, size.height,
                                                       slide ? GeoJsonOrigin(slide->info()) : Point{}),
                                      .tolerance = settings.simplify,
                                      .style = [&](uint8_t label) { return Style(settings, label); }});
  PixelProgress progress("outlines", static_cast<double>(size.width * size.height));
  std::vector<uint8_t> row(static_cast<size_t>(size.width));
  for (int64_t y = 0; y < size.height; ++y) {
    labels->Read({y, y + 1}, row.data());
    writer.AddRow(row.data());
    progress.Show(y + 1, size.height);
  }
  writer.Finish();
}

void RunConvert(const Settings& settings) {
  const std::string extension = std::filesystem::path(settings.out).extension().string();
  const bool geojson = extension == ".geojson" || extension == ".json";
  if (!geojson && extension != ".tif" && extension != ".tiff" && extension != ".png")
    Fail(ErrorCode::kUsage, "--out: expected a .geojson, .tif or .png, found '{}'", settings.out);
  if (geojson && !IsAnnotationFile(settings.annotations)) return TraceMask(settings);
  const Read read = ReadBoth(settings);
  if (geojson) {
    WriteGeoJson(read.annotations, settings.out, read.slide ? GeoJsonOrigin(*read.info()) : Point{});
  } else {
    WriteMask(settings, read);
  }
}

void AddFiles(CLI::App* command, Settings* settings) {
  command
      ->add_option(
          "annotations", settings->annotations,
          "GeoJSON, or the XML of ASAP, ImageScope, NDP.view; to convert, also a mask, PNG, TIFF or .npy")
      ->required();
  command->add_option("--slide", settings->slide, "The slide that they are of");
}

}  // namespace

void AddAnnotate(CLI::App& app) {
  auto settings = std::make_shared<Settings>();
  CLI::App* annotate = app.add_subcommand(
      "annotate", "Show what annotations hold; write them in another form, or as a mask of labels");
  annotate->require_subcommand(1);
  CLI::App* info = annotate->add_subcommand(
      "info",
      "Prints what is understood of a file of annotations: classes, areas, vertices, what has no area.\n\n"
      "Example: swath annotate info --slide slide.svs slide.geojson");
  AddFiles(info, settings.get());
  info->add_flag("--json", settings->json, "One JSON object");
  info->callback([settings] { RunInfo(*settings); });
  CLI::App* convert = annotate->add_subcommand(
      "convert",
      "Writes annotations as GeoJSON for QuPath, or as a mask of labels, where a later area covers an "
      "earlier\n"
      "one; or the outlines of a mask's areas as GeoJSON, along the edges of pixels or simplified.\n\n"
      "Examples:\n"
      "  swath annotate convert regions.xml -o regions.geojson\n"
      "  swath annotate convert slide.geojson --slide slide.svs --classes background,tumour\n"
      "      --label Tumor=tumour --label Necrosis=ignore -o mask.tif\n"
      "  swath annotate convert mask.tif --slide slide.svs --classes background,tumour -o areas.geojson");
  AddFiles(convert, settings.get());
  convert->add_option("-o,--out", settings->out, "File to write: .geojson; .tif or .png for a mask")
      ->required();
  convert
      ->add_option("--classes", settings->classes,
                   "Of a mask: names of the labels 0, 1, … [background, and the classes as they appear]")
      ->delimiter(',');
  AddLabelOptions(convert, &settings->labels, "Options");
  AddSimplifyOption(convert, &settings->simplify);
  convert->add_option("--ignore-label", settings->ignore_label, "Of a mask: the label that carries no loss")
      ->check(WholeNumber(0, 255))
      ->capture_default_str();
  AddPixelOptions(convert, "Of a mask: as large as this level [0]", &settings->level, &settings->mpp);
  convert->callback([settings] { RunConvert(*settings); });
}

}  // namespace swath::tools
