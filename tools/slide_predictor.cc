#include "tools/slide_predictor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>

#include "base/error.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/overlay.h"
#include "swath/pyramid_writer.h"

namespace swath::tools {
namespace {

/// File systems allow 255 bytes a name.
constexpr size_t kLongestClassName = 128;

/// As a map of probabilities holds it, at any address.
void Store(float probability, int64_t probability_bytes, uint8_t* dst) {
  if (probability_bytes == sizeof probability) {
    std::memcpy(dst, &probability, sizeof probability);
  } else {
    *dst = static_cast<uint8_t>(std::lround(probability * 255.0f));
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
    if (std::all_of(logits[c], logits[c] + width, [](float z) { return std::isfinite(z); })) continue;
    Fail(ErrorCode::kNumeric, "{}: a logit of class '{}' is infinite or not a number", slide,
         classes_[static_cast<size_t>(logits_ == 1 ? 1 : c)]);
  }
  const auto store = [&](int64_t map, int64_t x, float probability) {
    Store(probability, probability_bytes_, bytes + width + (map * width + x) * probability_bytes_);
  };
  for (int64_t x = 0; x < width; ++x) {
    if (logits_ == 1) {
      bytes[x] = logits[0][x] > 0;
      store(0, x, 1 / (1 + std::exp(-logits[0][x])));
      continue;
    }
    int64_t best = 0;
    for (int64_t c = 1; c < logits_; ++c) {
      if (logits[c][x] > logits[best][x]) best = c;
    }
    float sum = 0;
    for (int64_t c = 0; c < logits_; ++c) sum += std::exp(logits[c][x] - logits[best][x]);
    bytes[x] = static_cast<uint8_t>(best);
    for (int64_t c = 1; c < logits_; ++c) store(c - 1, x, std::exp(logits[c][x] - logits[best][x]) / sum);
  }
}

std::vector<std::string> SlidePredictor::Files(const PredictTask& task, const std::string& folder) const {
  const std::string stem = folder + "/" + task.name;
  std::vector<std::string> files = {stem + "_mask.tif"};
  for (size_t c = 1; c < classes_.size(); ++c) files.push_back(stem + MapName(static_cast<int64_t>(c)));
  files.push_back(stem + "_overlay.png");
  return files;
}

void SlidePredictor::Run(const PredictTask& task, const PlanOptions& plan, const std::string& folder,
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
}

}  // namespace swath::tools
