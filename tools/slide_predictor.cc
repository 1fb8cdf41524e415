#include "tools/slide_predictor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "tools/decide_classes.h"
#include "train/probabilities.h"

namespace swath::tools {
namespace {

// The loops below are written for compilers to make vectors of: this runs for every pixel.

bool AllFinite(const float* row, int64_t n) {
  constexpr uint32_t kExponent = 0x7f800000;
  uint32_t any = 0;
  for (int64_t x = 0; x < n; ++x) any |= (std::bit_cast<uint32_t>(row[x]) & kExponent) == kExponent;
  return any == 0;
}

/// As a map of probabilities holds them, at any address.
void Store(const float* p, int64_t n, int64_t sample_bytes, uint8_t* dst) {
  if (sample_bytes == sizeof(float)) {
    std::memcpy(dst, p, static_cast<size_t>(n) * sizeof(float));
  } else {
    for (int64_t x = 0; x < n; ++x) dst[x] = static_cast<uint8_t>(static_cast<int>(p[x] * 255.0f + 0.5f));
  }
}

}  // namespace

SlidePredictor::SlidePredictor(const Graph& graph, MapFormat format)
    : graph_(graph), format_(std::move(format)), logits_(OutputChannels(graph)) {
  format_.classes = ModelClasses(graph);
  CheckMapNames(format_, graph.name);
}

Resources::Fitted SlidePredictor::Fit(const PredictTask& task, const Resources& resources) const {
  const auto slide = Slide::Open(task.slide, task.options);
  auto rows = Prefetch(slide->OpenRows(task.rows));
  const int64_t beside =
      SlideMaps::BufferBytes(format_, MapOptions(*slide, task, rows->width(), rows->height()));
  const auto image = ExtendedImage(graph_, std::move(rows));
  CheckPixelLogits(graph_, image->width(), image->height());
  return resources.Fit(graph_, nullptr, {.image = image.get()},
                       1 + (classes() - 1) * format_.probability_bytes(), beside);
}

/// Row of logits -> [class map | probability of every class but the first]: `width` bytes, then each `width`
/// times the bytes of a sample.
void SlidePredictor::ToBytes(const std::string& slide, const float* const* logits, int64_t width,
                             uint8_t* bytes) const {
  for (int64_t c = 0; c < logits_; ++c) {
    if (AllFinite(logits[c], width)) continue;
    Fail(ErrorCode::kNumeric, "{}: a logit of class '{}' is infinite or not a number", slide,
         format_.classes[static_cast<size_t>(logits_ == 1 ? 1 : c)]);
  }
  const int64_t sample_bytes = format_.probability_bytes();
  constexpr int64_t kColumns = 1024;  // whose probabilities stay in the cache
  std::vector<float> room(static_cast<size_t>((logits_ + 1) * kColumns));
  std::vector<const float*> z(static_cast<size_t>(logits_));
  for (int64_t begin = 0; begin < width; begin += kColumns) {
    const int64_t n = std::min(kColumns, width - begin);
    const Probabilities<float> row{.width = n, .p = room.data(), .tail = room.data() + logits_ * n};
    for (size_t c = 0; c < z.size(); ++c) z[c] = logits[c] + begin;
    if (logits_ == 1) {
      Sigmoid(z[0], row);
    } else {
      Softmax(z.data(), logits_, row);
    }
    DecideClasses(z.data(), logits_, n, row.tail, bytes + begin);
    for (int64_t c = 1; c < classes(); ++c) {
      Store(row.P(logits_ == 1 ? 0 : c), n, sample_bytes,
            bytes + width + ((c - 1) * width + begin) * sample_bytes);
    }
  }
}

SlidePredictor::Result SlidePredictor::Run(const PredictTask& task, const PlanOptions& plan,
                                           const std::string& folder, const Progress& progress) const {
  const auto slide = Slide::Open(task.slide, task.options);
  auto rows = Prefetch(slide->OpenRows(task.rows));
  Result result{.map = MapOptions(*slide, task, rows->width(), rows->height())};
  const auto image = ExtendedImage(graph_, std::move(rows));
  const auto engine = MakeStreamingEngine(graph_, nullptr, image->width(), image->height(), plan);
  SlideMaps maps(format_, task, *slide, result.map, folder);
  const int64_t pitch = image->width(),
                row_bytes = pitch * (1 + (classes() - 1) * format_.probability_bytes());
  engine->Predict(
      *image,
      [&](const float* const* logits, int64_t n, uint8_t* bytes) { ToBytes(task.slide, logits, n, bytes); },
      [&](Range band, const uint8_t* bytes) {
        for (int64_t y = band.begin; y < std::min(band.end, result.map.height); ++y, bytes += row_bytes)
          maps.AddRow(bytes, pitch);
      },
      progress);
  maps.Finish();
  result.classes = maps.Figures();
  result.profile = engine->profile();
  return result;
}

}  // namespace swath::tools
