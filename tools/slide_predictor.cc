#include "tools/slide_predictor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "base/error.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/overlay.h"
#include "swath/pyramid_writer.h"
#include "train/probabilities.h"

namespace swath::tools {
namespace {

/// File systems allow 255 bytes a name.
constexpr size_t kLongestClassName = 128;

// The loops below are written for compilers to make vectors of: this runs for every pixel.

bool AllFinite(const float* row, int64_t n) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t any = 0;
  for (int64_t x = 0; x < n; ++x) any |= (std::bit_cast<uint32_t>(row[x]) & kExponent) == kExponent;
  return any == 0;
}

/// As a map of probabilities holds them, at any address.
void Store(const float* p, int64_t n, int64_t probability_bytes, uint8_t* dst) {
  if (probability_bytes == sizeof(float)) {
    std::memcpy(dst, p, static_cast<size_t>(n) * sizeof(float));
  } else {
    for (int64_t x = 0; x < n; ++x) dst[x] = static_cast<uint8_t>(static_cast<int>(p[x] * 255.0f + 0.5f));
  }
}

}  // namespace

SlidePredictor::SlidePredictor(const Graph& graph, ProbabilitySamples samples)
    : graph_(graph),
      classes_(ModelClasses(graph)),
      logits_(OutputChannels(graph)),
      probability_bytes_(samples == ProbabilitySamples::kFloat32 ? sizeof(float) : sizeof(uint8_t)) {
  std::map<std::string, std::string> names;
  for (size_t c = 1; c < classes_.size(); ++c) {
    const auto [other, first] = names.insert({MapName(static_cast<int64_t>(c)), classes_[c]});
    if (first) continue;
    Fail(ErrorCode::kUnsupported, "{}: the maps of the classes '{}' and '{}' would have one name, {}",
         graph.name, other->second, classes_[c], other->first);
  }
}

/// The class as a part of a file's name.
std::string SlidePredictor::MapName(int64_t c) const {
  std::string name = classes_[static_cast<size_t>(c)].substr(0, kLongestClassName);
  for (char& letter : name) {
    if (letter == '/' || static_cast<unsigned char>(letter) < ' ') letter = '_';
  }
  return "_probability_" + name + ".tif";
}

PyramidPixels SlidePredictor::probability_pixels() const {
  return probability_bytes_ == 1 ? PyramidPixels::kGrey : PyramidPixels::kFloat32;
}

Resources::Fitted SlidePredictor::Fit(const PredictTask& task, const Resources& resources) const {
  const auto slide = Slide::Open(task.slide);
  auto rows = Prefetch(slide->OpenRows(task.rows));
  PyramidOptions maps = MapOptions(*slide, task, rows->width(), rows->height(), PyramidPixels::kLabels);
  int64_t beside =
      Overlay::BufferBytes(maps.width, maps.height, classes()) + PyramidWriter::BufferBytes(maps);
  maps.pixels = probability_pixels();
  beside += (classes() - 1) * PyramidWriter::BufferBytes(maps);
  const auto image = ExtendedImage(graph_, std::move(rows));
  CheckPixelLogits(graph_, image->width(), image->height());
  return resources.Fit(graph_, nullptr, {.image = image.get()}, 1 + (classes() - 1) * probability_bytes_,
                       beside);
}

/// Row of logits -> [class map | probability of every class but the first]: `width` bytes, then each `width`
/// times `probability_bytes_`.
void SlidePredictor::ToBytes(const std::string& slide, const float* const* logits, int64_t width,
                             uint8_t* bytes) const {
  for (int64_t c = 0; c < logits_; ++c) {
    if (AllFinite(logits[c], width)) continue;
    Fail(ErrorCode::kNumeric, "{}: a logit of class '{}' is infinite or not a number", slide,
         classes_[static_cast<size_t>(logits_ == 1 ? 1 : c)]);
  }
  constexpr int64_t kColumns = 1024;  // whose probabilities stay in the cache
  std::vector<float> room(static_cast<size_t>((logits_ + 1) * kColumns));
  std::vector<const float*> z(static_cast<size_t>(logits_));
  for (int64_t begin = 0; begin < width; begin += kColumns) {
    const int64_t n = std::min(kColumns, width - begin);
    const Probabilities<float> row{.width = n, .p = room.data(), .tail = room.data() + logits_ * n};
    for (size_t c = 0; c < z.size(); ++c) z[c] = logits[c] + begin;
    uint8_t* label = bytes + begin;
    if (logits_ == 1) {
      Sigmoid(z[0], row);
      for (int64_t x = 0; x < n; ++x) label[x] = z[0][x] > 0;
    } else {
      Softmax(z.data(), logits_, row);
      float* largest = row.tail;
      std::copy_n(z[0], n, largest);
      std::fill_n(label, n, uint8_t{0});
      for (size_t c = 1; c < z.size(); ++c) {
        for (int64_t x = 0; x < n; ++x) {
          label[x] = z[c][x] > largest[x] ? static_cast<uint8_t>(c) : label[x];
          largest[x] = std::max(largest[x], z[c][x]);
        }
      }
    }
    for (int64_t c = 1; c < classes(); ++c) {
      Store(row.P(logits_ == 1 ? 0 : c), n, probability_bytes_,
            bytes + width + ((c - 1) * width + begin) * probability_bytes_);
    }
  }
}

std::vector<std::string> SlidePredictor::Files(const PredictTask& task, const std::string& folder) const {
  const std::string stem = folder + "/" + task.name;
  std::vector<std::string> files = {stem + "_mask.tif"};
  for (size_t c = 1; c < classes_.size(); ++c) files.push_back(stem + MapName(static_cast<int64_t>(c)));
  files.push_back(stem + "_overlay.png");
  return files;
}

Profile SlidePredictor::Run(const PredictTask& task, const PlanOptions& plan, const std::string& folder,
                            const Progress& progress) const {
  const std::vector<std::string> files = Files(task, folder);
  const auto slide = Slide::Open(task.slide);
  auto rows = Prefetch(slide->OpenRows(task.rows));
  PyramidOptions options = MapOptions(*slide, task, rows->width(), rows->height(), PyramidPixels::kLabels);
  const auto image = ExtendedImage(graph_, std::move(rows));
  const auto engine = MakeStreamingEngine(graph_, nullptr, image->width(), image->height(), plan);
  PyramidWriter mask(files.front(), options);
  options.pixels = probability_pixels();
  std::vector<std::unique_ptr<PyramidWriter>> maps;
  for (int64_t c = 1; c < classes(); ++c)
    maps.push_back(std::make_unique<PyramidWriter>(files[static_cast<size_t>(c)], options));
  Overlay overlay(options.width, options.height, classes());
  const int64_t pitch = image->width();
  engine->Predict(
      *image,
      [&](const float* const* logits, int64_t n, uint8_t* bytes) { ToBytes(task.slide, logits, n, bytes); },
      [&](Range band, const uint8_t* bytes) {
        for (int64_t y = band.begin; y < std::min(band.end, options.height); ++y) {
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
  mask.Finish();
  for (const auto& map : maps) map->Finish();
  const double downsample =
      static_cast<double>(Shown(slide->info(), task.rows).width) / static_cast<double>(overlay.width());
  overlay.Write(*OpenThumbnail(*slide, task.rows, downsample), files.back());
  return engine->profile();
}

}  // namespace swath::tools
