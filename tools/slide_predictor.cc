#include "tools/slide_predictor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "kernels/loss_rows.h"
#include "kernels/rows.h"
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
    rows::ToBytes(p, n, 255, dst);
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
  return resources.Fit(graph_, nullptr, {.image = image.get()}, BytesPerPixel(), beside);
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
      rows::Sigmoid(z[0], n, row.p);
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

/// Class 0, and no probability of others, where a row of the slide has no tissue. Returns how many pixels
/// have.
int64_t SlidePredictor::ClearGlass(const std::vector<uint8_t>& tissue, int64_t pitch, uint8_t* row) const {
  const int64_t sample_bytes = format_.probability_bytes();
  int64_t pixels = 0;
  for (auto end = tissue.begin(); end != tissue.end();) {
    const auto begin = std::find(end, tissue.end(), 0);  // of glass
    pixels += begin - end;
    end = std::find_if(begin, tissue.end(), [](uint8_t is_tissue) { return is_tissue != 0; });
    const int64_t x = begin - tissue.begin(), n = end - begin;
    std::fill_n(row + x, n, uint8_t{0});
    for (int64_t c = 1; c < classes(); ++c)
      std::fill_n(row + pitch + ((c - 1) * pitch + x) * sample_bytes, n * sample_bytes, uint8_t{0});
  }
  return pixels;
}

SlidePredictor::Result SlidePredictor::Run(const PredictTask& task, const PlanOptions& plan,
                                           const std::string& folder, const Progress& progress) const {
  const auto slide = Slide::Open(task.slide, task.options);
  auto rows = Prefetch(slide->OpenRows(task.rows));
  Result result{.map = MapOptions(*slide, task, rows->width(), rows->height())};
  auto image = ExtendedImage(graph_, std::move(rows));
  const int64_t width = image->width(), height = image->height();
  SlideMaps maps(format_, task, *slide, result.map, folder);
  std::unique_ptr<RowSource> tissue;
  std::vector<uint8_t> tissue_row(static_cast<size_t>(result.map.width));
  std::vector<Part> wanted;
  if (task.tissue) {
    const ImagePlace place = PlaceOf(slide->info(), task.rows, result.map.width, result.map.height);
    tissue = TissueRows(task.tissue, place);
    result.tissue_pixels = 0;
    wanted = PartsOfTissue(*task.tissue, place, Halo(graph_, width, height), ModelMultiple(graph_));
  }
  const auto add = [&](int64_t y, uint8_t* row) {
    if (tissue) {
      tissue->Read({y, y + 1}, tissue_row.data());
      *result.tissue_pixels += ClearGlass(tissue_row, width, row);
    }
    maps.AddRow(row, width);
  };
  const int64_t row_bytes = width * BytesPerPixel();
  if (tissue && wanted.empty()) {
    std::vector<uint8_t> nothing(static_cast<size_t>(row_bytes));
    for (int64_t y = 0; y < result.map.height; ++y) add(y, nothing.data());
  } else {
    const auto engine =
        MakeStreamingEngine(graph_, nullptr, width, height, ForParts(plan, 0, std::move(wanted)));
    engine->Predict(
        *image,
        [&](const float* const* logits, int64_t n, uint8_t* bytes) { ToBytes(task.slide, logits, n, bytes); },
        [&](Range band, uint8_t* bytes) {
          for (int64_t y = band.begin; y < std::min(band.end, result.map.height); ++y, bytes += row_bytes)
            add(y, bytes);
        },
        progress);
    result.profile = engine->profile();
  }
  image.reset();  // the overlay opens the slide once more
  maps.Finish();
  result.classes = maps.Figures();
  return result;
}

}  // namespace swath::tools
