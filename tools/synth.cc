/// `swath synth`: procedural slides with masks and a data set file.
#include "swath/synth.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/pending_file.h"
#include "base/processors.h"
#include "output/parallel_for.h"
#include "swath/otsu.h"
#include "swath/pyramid_writer.h"
#include "tools/commands.h"
#include "tools/options.h"
#include "tools/progress_line.h"
#include "train/csv.h"

namespace swath::tools {
namespace {

constexpr int64_t kMaskDownsample = 4;
constexpr int64_t kRowsAtOnce = 256;
constexpr int64_t kMostSlides = 100000;

struct Settings {
  std::string folder;
  int64_t slides = 8;
  std::string size = "4096x4096";
  uint64_t seed = 1;
  int64_t validation = -1;
  int64_t test = -1;
  int threads = 0;
  int quality = 80;
  double mpp = 0.5;
  double needle = 0;
};

/// With --needle every other slide has one.
bool HasNeedle(const Settings& settings, int64_t index) { return settings.needle > 0 && index % 2 == 1; }

/// Counts of validation and test slides: a fifth each unless given, and at least one to train on.
void SettleSplit(Settings& settings) {
  const int64_t fifth = settings.slides >= 3 ? std::max<int64_t>(1, settings.slides / 5) : 0;
  if (settings.validation < 0) settings.validation = fifth;
  if (settings.test < 0) settings.test = fifth;
  if (settings.validation + settings.test > settings.slides) {
    Fail(ErrorCode::kUsage, "--val {} and --test {} are more than --slides {}", settings.validation,
         settings.test, settings.slides);
  }
}

const char* SplitOf(const Settings& settings, int64_t index) {
  if (index >= settings.slides - settings.test) return "test";
  return index >= settings.slides - settings.test - settings.validation ? "val" : "train";
}

/// Tallies a few rows against the mask as training will see it: at the nearest centres.
void Tally(const std::vector<uint8_t>& rgb, const std::vector<uint8_t>& labels, int64_t width, int64_t rows,
           std::vector<SaturationTally>& tallies) {
  const int64_t mask_width = (width + kMaskDownsample - 1) / kMaskDownsample;
  ParallelFor(static_cast<int>(tallies.size()), rows, [&](int worker, int64_t y) {
    std::vector<uint8_t> row(width);
    const uint8_t* coarse = labels.data() + y / kMaskDownsample * mask_width;
    for (int64_t x = 0; x < width; ++x) row[x] = coarse[x / kMaskDownsample];
    tallies[worker].Add(rgb.data() + 3 * y * width, row.data(), width);
  });
}

struct Written {
  double otsu_dice = 0;  ///< of Otsu's threshold
  std::optional<Needle> needle;
};

/// Writes slide and mask.
Written WriteSlide(const Settings& settings, const Size& size, int64_t index, const std::string& slide_path,
                   const std::string& mask_path, PixelProgress& progress) {
  const SynthSlide slide({.width = size.width,
                          .height = size.height,
                          .seed = settings.seed,
                          .index = index,
                          .threads = settings.threads,
                          .needle = HasNeedle(settings, index) ? settings.needle : 0});
  const std::unique_ptr<RowSource> image = slide.Image();
  const std::unique_ptr<RowSource> mask = slide.Mask(kMaskDownsample);
  PyramidWriter slide_writer(slide_path, {.width = size.width,
                                          .height = size.height,
                                          .quality = settings.quality,
                                          .mpp_x = settings.mpp,
                                          .mpp_y = settings.mpp,
                                          .threads = settings.threads});
  PyramidWriter mask_writer(mask_path, {.width = mask->width(),
                                        .height = mask->height(),
                                        .pixels = PyramidPixels::kLabels,
                                        .mpp_x = settings.mpp * kMaskDownsample,
                                        .mpp_y = settings.mpp * kMaskDownsample,
                                        .threads = settings.threads});
  std::vector<SaturationTally> tallies(settings.threads);
  std::vector<uint8_t> rgb(3 * size.width * kRowsAtOnce);
  std::vector<uint8_t> labels(mask->width() * kRowsAtOnce / kMaskDownsample);
  for (int64_t y = 0; y < size.height; y += kRowsAtOnce) {
    const Range rows{y, std::min(y + kRowsAtOnce, size.height)};
    const Range mask_rows{y / kMaskDownsample, (rows.end + kMaskDownsample - 1) / kMaskDownsample};
    image->Read(rows, rgb.data());
    mask->Read(mask_rows, labels.data());
    slide_writer.WriteRows(rgb.data(), rows.size());
    mask_writer.WriteRows(labels.data(), mask_rows.size());
    Tally(rgb, labels, size.width, rows.size(), tallies);
    progress.Show(index * size.height + rows.end, settings.slides * size.height);
  }
  slide_writer.Finish();
  mask_writer.Finish();
  for (size_t i = 1; i < tallies.size(); ++i) tallies[0].Add(tallies[i]);
  return {tallies[0].overlap().dice(), slide.needle()};
}

std::string CsvPath(const Settings& settings) { return settings.folder + "/slides.csv"; }

/// slide_ and at least three digits, as Run names them.
bool IsOwnSlide(const std::string& name) {
  const std::string_view begin = "slide_", end = ".tif";
  if (!name.starts_with(begin) || !name.ends_with(end)) return false;
  const std::string digits = name.substr(begin.size(), name.size() - begin.size() - end.size());
  return digits.size() >= 3 && digits.find_first_not_of("0123456789") == std::string::npos;
}

/// Somebody's own list of slides may be all that says which masks and splits belong to them.
void CheckCsv(const Settings& settings) {
  const std::string path = CsvPath(settings);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  for (const CsvRecord& record : ReadCsv(path)) {
    const std::string& name = record.fields.front();
    if (IsOwnSlide(name) || name == "slide") continue;
    Fail(ErrorCode::kUsage,
         "{}: line {}: expected only slides that synth wrote, found '{}'; give another folder", path,
         record.line, name);
  }
}

void WriteCsv(const Settings& settings, const std::vector<std::string>& names) {
  const std::string path = CsvPath(settings);
  PendingFile pending(path);
  std::ofstream csv(pending.temporary());
  const bool targets = settings.needle > 0;
  csv << (targets ? "slide,mask,target,split\n" : "slide,mask,split\n");
  for (int64_t i = 0; i < settings.slides; ++i) {
    csv << names[i] << ".tif," << names[i] << "_mask.tif,";
    if (targets) csv << (HasNeedle(settings, i) ? "1," : "0,");
    csv << SplitOf(settings, i) << "\n";
  }
  csv.close();
  if (!csv) Fail(ErrorCode::kOutput, "{}: cannot be written", path);
  pending.Commit();
}

std::vector<Written> WriteSlides(const Settings& settings, const Size& size,
                                 const std::vector<std::string>& names) {
  PixelProgress progress(fmt::format("{} slides", settings.slides), static_cast<double>(settings.slides) *
                                                                        static_cast<double>(size.width) *
                                                                        static_cast<double>(size.height));
  std::vector<Written> written;
  for (int64_t i = 0; i < settings.slides; ++i) {
    const std::string stem = settings.folder + "/" + names[static_cast<size_t>(i)];
    written.push_back(WriteSlide(settings, size, i, stem + ".tif", stem + "_mask.tif", progress));
  }
  return written;
}

void Run(Settings settings) {
  const Size size = ParseSize("--size", settings.size);
  SettleSplit(settings);
  if (settings.threads == 0) {
    settings.threads = static_cast<int>(Processors());
  }
  CheckCsv(settings);
  MakeFolder(settings.folder);
  std::vector<std::string> names;
  for (int64_t i = 0; i < settings.slides; ++i) names.push_back(fmt::format("slide_{:03}", i));
  const std::vector<Written> written = WriteSlides(settings, size, names);
  WriteCsv(settings, names);
  double mean = 0;
  for (int64_t i = 0; i < settings.slides; ++i) {
    const Written& slide = written[static_cast<size_t>(i)];
    fmt::print("{} {:5} Otsu Dice {:.4f}", names[i], SplitOf(settings, i), slide.otsu_dice);
    if (slide.needle)
      fmt::print("  needle at {}, {}, radius {}", slide.needle->x, slide.needle->y, slide.needle->radius);
    fmt::print("\n");
    mean += slide.otsu_dice / static_cast<double>(settings.slides);
  }
  fmt::print("mean Otsu Dice {:.4f} (a threshold on saturation, what a network has to beat)\n", mean);
  fmt::print("{}\n", CsvPath(settings));
}

}  // namespace

void AddSynth(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("synth", "Write procedural slides with tissue masks and their slides.csv");
  const auto settings = std::make_shared<Settings>();
  command->add_option("DIR", settings->folder, "Folder to write to; made if absent")->required();
  command->add_option("--slides", settings->slides, "How many slides")
      ->capture_default_str()
      ->check(WholeNumber(1, kMostSlides));
  command->add_option("--size", settings->size, "WIDTHxHEIGHT of each slide, in pixels")
      ->capture_default_str();
  command->add_option("--seed", settings->seed, "Seed: the same seed gives the same slides")
      ->check(Seed())
      ->capture_default_str();
  command->add_option("--val", settings->validation, "Slides for validation [a fifth]")
      ->check(WholeNumber(0, kMostSlides));
  command->add_option("--test", settings->test, "Slides for testing [a fifth]")
      ->check(WholeNumber(0, kMostSlides));
  command
      ->add_option("--threads", settings->threads,
                   "0: one for each processor; the files do not depend on them")
      ->capture_default_str()
      ->check(ThreadCount());
  command->add_option("--quality", settings->quality, "JPEG quality")
      ->capture_default_str()
      ->check(WholeNumber(1, 100));
  command->add_option("--mpp", settings->mpp, "Micrometres a pixel, as the files say")
      ->capture_default_str()
      ->check(Number({.above = 0}));
  command
      ->add_option(
          "--needle", settings->needle,
          "Give every other slide a disc of a fine texture that covers this share of its tissue, and\n"
          "slides.csv a column target: 1 with and 0 without; a thumbnail does not show it")
      ->check(Number({.above = 0, .below = 0.1}));
  command->footer(
      "Examples:\n"
      "  swath synth needles --slides 100 --size 8192x8192 --needle 0.0002\n"
      "  swath synth data --slides 8 --size 4096x4096 --seed 7\n"
      "  swath synth big --slides 1 --size 16000x64000 --val 0 --test 0");
  command->callback([settings] { Run(*settings); });
}

}  // namespace swath::tools
