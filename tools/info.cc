/// `swath info`: what a slide file holds.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json_text.h"
#include "output/shrink.h"
#include "swath/png_writer.h"
#include "swath/slide.h"
#include "tools/commands.h"
#include "tools/options.h"

namespace swath::tools {
namespace {

struct InfoOptions {
  std::string path;
  bool json = false;
  bool verify = false;
  std::string thumbnail;
  SlideOptions slide;
};

/// Decodes every row of every level; damage throws.
void Verify(const Slide& slide) {
  for (int level = 0; level < static_cast<int>(slide.info().levels.size()); ++level) {
    const auto rows = slide.OpenRows({.level = level});
    const int64_t step = rows->natural_rows();
    std::vector<uint8_t> pixels(static_cast<size_t>(step * rows->width() * rows->channels()));
    for (int64_t y = 0; y < rows->height(); y += step) {
      rows->Read({y, std::min(y + step, rows->height())}, pixels.data());
    }
  }
}

/// Of the coarsest level that is larger than the picture.
void WriteThumbnail(const Slide& slide, const std::string& path) {
  constexpr int64_t kSide = 1024;
  int level = 0;
  for (size_t i = 0; i < slide.info().levels.size(); ++i) {
    const SlideLevel& size = slide.info().levels[i];
    if (std::max(size.width, size.height) >= kSide) level = static_cast<int>(i);
  }
  const auto rows = slide.OpenRows({.level = level});
  const PictureSize size = FitPicture(rows->width(), rows->height(), kSide);
  const std::vector<uint8_t> picture = Shrink(*rows, size.wide, size.high);
  PngWriter writer(path, {.width = size.wide, .height = size.high});
  writer.WriteRows(picture.data(), size.high);
  writer.Finish();
}

nlohmann::json ToJson(const SlideInfo& info, bool verified) {
  auto levels = nlohmann::json::array();
  for (const auto& level : info.levels) {
    levels.push_back({{"width", level.width},
                      {"height", level.height},
                      {"downsample", level.downsample},
                      {"tile_width", level.tile_width},
                      {"tile_height", level.tile_height}});
  }
  const auto optional = [](const std::optional<double>& value) {
    return value ? nlohmann::json(*value) : nullptr;
  };
  return {{"path", info.path},
          {"format", info.format},
          {"decoder", info.decoder},
          {"vendor", info.vendor},
          {"levels", levels},
          {"mpp_x", optional(info.mpp_x)},
          {"mpp_y", optional(info.mpp_y)},
          {"bounds", {info.bounds.x, info.bounds.y, info.bounds.width, info.bounds.height}},
          {"associated", info.associated},
          {"background", info.background},
          {"verified", verified}};
}

void Print(const SlideInfo& info, bool verified) {
  const SlideLevel& whole = info.levels.front();
  fmt::print("{}\n", info.path);
  fmt::print("  format      {}, decoded by {}\n", info.format, info.decoder);
  if (!info.vendor.empty()) fmt::print("  vendor      {}\n", info.vendor);
  fmt::print("  size        {} x {} px, {:.1f} Mpx\n", whole.width, whole.height,
             static_cast<double>(whole.width) * static_cast<double>(whole.height) / 1e6);
  if (info.mpp_x && info.mpp_y) {
    fmt::print("  pixel size  {:.4g} x {:.4g} um\n", *info.mpp_x, *info.mpp_y);
  } else {
    fmt::print("  pixel size  not in the file\n");
  }
  const Region& bounds = info.bounds;
  if (bounds.width != whole.width || bounds.height != whole.height) {
    fmt::print("  bounds      {},{},{},{} (x, y, width, height)\n", bounds.x, bounds.y, bounds.width,
               bounds.height);
  }
  fmt::print("  background  #{:02x}{:02x}{:02x}\n", info.background[0], info.background[1],
             info.background[2]);
  fmt::print("  levels      {:>3}  {:>17}  {:>10}  {:>11}\n", "#", "size", "downsample", "tiles");
  for (size_t i = 0; i < info.levels.size(); ++i) {
    const SlideLevel& level = info.levels[i];
    fmt::print("              {:>3}  {:>17}  {:>10.4g}  {:>11}\n", i,
               fmt::format("{} x {}", level.width, level.height), level.downsample,
               fmt::format("{} x {}", level.tile_width, level.tile_height));
  }
  for (const auto& name : info.associated) fmt::print("  not read    {}\n", name);
  if (verified) fmt::print("  verified    every pixel of every level decodes\n");
}

void Run(const InfoOptions& options) {
  const auto slide = Slide::Open(options.path, options.slide);
  if (options.verify) Verify(*slide);
  if (!options.thumbnail.empty()) WriteThumbnail(*slide, options.thumbnail);
  if (options.json) {
    fmt::print("{}\n", JsonText(ToJson(slide->info(), options.verify), 2));
  } else {
    Print(slide->info(), options.verify);
  }
}

}  // namespace

void AddInfo(CLI::App& app) {
  auto options = std::make_shared<InfoOptions>();
  CLI::App* info = app.add_subcommand("info", "Print what a slide file holds: levels, pixel size, tiles");
  info->add_option("slide", options->path, "A TIFF, DICOM, PNG, JPEG, or a slide that OpenSlide reads")
      ->required();
  info->add_flag("--json", options->json, "Print one JSON object");
  info->add_flag("--verify", options->verify, "Also decode every pixel, so that damage anywhere is an error");
  info->add_option("--thumbnail", options->thumbnail,
                   "Write the slide as a picture of at most 1024 x 1024 pixels into this PNG")
      ->type_name("FILE");
  AddSlideMppOption(info, &options->slide);
  info->footer(
      "Examples:\n  swath info --json slide.svs\n  swath info slide.tif --slide-mpp 0.25 --thumbnail "
      "slide.png");
  info->callback([options] { Run(*options); });
}

}  // namespace swath::tools
