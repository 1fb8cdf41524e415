#include "tools/evaluate_pixels.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "swath/engine.h"
#include "swath/loss.h"
#include "swath/model.h"
#include "swath/otsu.h"
#include "tools/decide_classes.h"
#include "tools/progress_line.h"

namespace swath::tools {
namespace {

double Pixels(const DatasetEntry& entry) {
  return static_cast<double>(entry.width()) * static_cast<double>(entry.height());
}

}  // namespace

std::vector<int64_t> JudgedClasses(int64_t classes) {
  std::vector<int64_t> judged;
  for (int64_t c = classes == 2 ? 1 : 0; c < classes; ++c) judged.push_back(c);
  return judged;
}

double PixelScore::Dice() const {
  double sum = 0;
  for (const auto& of_class : overlap) sum += of_class.Dice();
  return sum / static_cast<double>(overlap.size());
}

double PixelScore::Iou() const {
  double sum = 0;
  for (const auto& of_class : overlap) sum += of_class.Dice() / (2 - of_class.Dice());
  return sum / static_cast<double>(overlap.size());
}

PixelEvaluator::PixelEvaluator(const Dataset& dataset, const Graph& graph, uint8_t ignore_label,
                               const Resources& resources, int64_t beside)
    : dataset_(dataset),
      graph_(graph),
      ignore_(ignore_label),
      resources_(resources),
      beside_(beside),
      logits_(OutputChannels(graph)),
      classes_(std::max<int64_t>(2, logits_)),
      loss_(MakeLoss({.kind = logits_ == 1 ? LossKind::kBce : LossKind::kCrossEntropy,
                      .logits = logits_,
                      .ignore_label = ignore_label})) {}

PixelScore PixelEvaluator::Score(const DatasetEntry& entry, const ClassRow& row) const {
  PixelScore score{.slide = entry.name, .confusion = Confusion(classes_)};
  AtEntry(dataset_, entry, [&] {
    const SlideSample sample = OpenSample(dataset_, entry, graph_, ignore_);
    CheckPixelLogits(graph_, sample.image->width(), sample.image->height());
    const Loss::Value value = row ? Predict(entry, sample, row, &score.confusion) : Evaluate(entry, sample);
    score.loss = value.loss;
    score.overlap = value.overlap;
  });
  if (!std::isfinite(score.loss)) {
    Fail(ErrorCode::kNumeric, "{}:{}: {}: the loss is {}: the network's logits are infinite or not numbers",
         dataset_.path, entry.line, entry.name, score.loss);
  }
  score.otsu = OtsuDice(entry);
  return score;
}

Loss::Value PixelEvaluator::Evaluate(const DatasetEntry& entry, const SlideSample& sample) const {
  const auto engine = MakeStreamingEngine(
      graph_, loss_.get(), sample.image->width(), sample.image->height(),
      ForParts(resources_.Fit(graph_, loss_.get(), sample.sample()).plan.options, 0, sample.labelled));
  PixelProgress progress(entry.name, Pixels(entry));
  return engine->Evaluate(sample.sample(), [&](int64_t done, int64_t total) { progress.Show(done, total); });
}

Loss::Value PixelEvaluator::Predict(const DatasetEntry& entry, const SlideSample& sample, const ClassRow& row,
                                    Confusion* confusion) const {
  const int64_t width = sample.image->width(), bytes_per_pixel = logits_ * int64_t{sizeof(float)};
  const auto engine = MakeStreamingEngine(
      graph_, nullptr, width, sample.image->height(),
      resources_.Fit(graph_, nullptr, sample.sample(), bytes_per_pixel, beside_).plan.options);
  std::vector<double> sums(static_cast<size_t>(loss_->sums()), 0.0);
  std::vector<std::byte> scratch(static_cast<size_t>(loss_->scratch_bytes(width)));
  std::vector<uint8_t> labels(static_cast<size_t>(width)), predicted(static_cast<size_t>(width));
  std::vector<float> largest(static_cast<size_t>(width));
  std::vector<float> values(static_cast<size_t>(width * logits_));
  std::vector<const float*> logits;
  for (int64_t c = 0; c < logits_; ++c) logits.push_back(values.data() + c * width);
  PixelProgress progress(entry.name, Pixels(entry));
  engine->Predict(
      *sample.image,
      [&](const float* const* from, int64_t n, uint8_t* bytes) {
        for (int64_t c = 0; c < logits_; ++c) {
          std::memcpy(bytes + c * n * int64_t{sizeof(float)}, from[c],
                      static_cast<size_t>(n) * sizeof(float));
        }
      },
      [&](Range band, const uint8_t* bytes) {
        // The labels below and to the right of the slide are ignored ones.
        for (int64_t y = band.begin; y < std::min(band.end, sample.height); ++y) {
          std::memcpy(values.data(), bytes, values.size() * sizeof(float));
          bytes += width * bytes_per_pixel;
          sample.labels->Read({y, y + 1}, labels.data());
          loss_->Row({.logits = logits.data(), .labels = labels.data(), .width = width}, sums.data(),
                     scratch.data());
          DecideClasses(logits.data(), logits_, width, largest.data(), predicted.data());
          confusion->AddRow(labels.data(), predicted.data(), width, ignore_);
          row(labels.data(), predicted.data());
        }
      },
      [&](int64_t done, int64_t total) { progress.Show(done, total); });
  return loss_->Finish(sums.data());
}

double PixelEvaluator::OtsuDice(const DatasetEntry& entry) const {
  const auto image = OpenImage(dataset_, entry);
  const auto labels = OpenLabels(dataset_, entry, ignore_);
  std::vector<uint8_t> rgb(static_cast<size_t>(image->width() * 3)), row(static_cast<size_t>(image->width()));
  SaturationTally tally;
  for (int64_t y = 0; y < image->height(); ++y) {
    image->Read({y, y + 1}, rgb.data());
    labels->Read({y, y + 1}, row.data());
    for (uint8_t& label : row) label = label == ignore_ ? kIgnoredLabel : label;
    tally.Add(rgb.data(), row.data(), image->width());
  }
  return tally.overlap().dice();
}

}  // namespace swath::tools
