#include "swath/otsu.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace swath {
namespace {

class SaturationMask : public RowSource {
 public:
  SaturationMask(std::unique_ptr<RowSource> image, int threshold)
      : image_(std::move(image)), threshold_(threshold) {}

  int64_t width() const override { return image_->width(); }
  int64_t height() const override { return image_->height(); }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override { return image_->natural_rows(); }
  int64_t buffer_bytes() const override { return image_->buffer_bytes() + 3 * width() * natural_rows(); }
  const std::string& name() const override { return image_->name(); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<SaturationMask>(image_->Clone(), threshold_);
  }

  void Read(Range rows, uint8_t* dst) override {
    const int64_t step = natural_rows();
    while (!rows.empty()) {
      const Range part{rows.begin, std::min(rows.end, (rows.begin / step + 1) * step)};
      rgb_.resize(3 * width() * part.size());
      image_->Read(part, rgb_.data());
      const int64_t pixels = width() * part.size();
      for (int64_t i = 0; i < pixels; ++i) {
        dst[i] = Saturation(rgb_[3 * i], rgb_[3 * i + 1], rgb_[3 * i + 2]) > threshold_ ? 1 : 0;
      }
      dst += pixels;
      rows.begin = part.end;
    }
  }

 private:
  std::unique_ptr<RowSource> image_;
  int threshold_;
  std::vector<uint8_t> rgb_;
};

int64_t NearestCentre(int64_t i, int64_t size, int64_t other_size) {
  return (2 * i + 1) * other_size / (2 * size);
}

void CheckSides(const RowSource& predicted, const RowSource& truth) {
  const double across = static_cast<double>(predicted.width()) / static_cast<double>(truth.width());
  const double rows_by_width = static_cast<double>(predicted.height()) / across;
  if (truth.width() > predicted.width() ||
      std::abs(rows_by_width - static_cast<double>(truth.height())) > 1.0) {
    Fail(ErrorCode::kInput, "{}: a mask of {} x {} px does not fit an image of {} x {} px", truth.name(),
         truth.width(), truth.height(), predicted.width(), predicted.height());
  }
}

}  // namespace

int Saturation(uint8_t red, uint8_t green, uint8_t blue) {
  const int most = std::max({red, green, blue});
  const int least = std::min({red, green, blue});
  return most == 0 ? 0 : 255 * (most - least) / most;
}

int OtsuThreshold(const Histogram& histogram) {
  double total = 0;
  double sum = 0;
  for (int i = 0; i < 256; ++i) {
    total += static_cast<double>(histogram[i]);
    sum += static_cast<double>(i) * static_cast<double>(histogram[i]);
  }
  double below = 0;
  double below_sum = 0;
  double best = 0;
  int first = 0;
  int last = 0;
  for (int t = 0; t < 255; ++t) {
    below += static_cast<double>(histogram[t]);
    below_sum += static_cast<double>(t) * static_cast<double>(histogram[t]);
    if (below == 0 || below == total) continue;
    const double difference = below_sum / below - (sum - below_sum) / (total - below);
    const double variance = below * (total - below) * difference * difference;
    if (variance > best) {
      best = variance;
      first = t;
    }
    if (variance == best && best > 0) last = t;
  }
  return (first + last) / 2;
}

double MaskOverlap::dice() const {
  if (predicted + truth == 0) return 1;
  return 2.0 * static_cast<double>(both) / static_cast<double>(predicted + truth);
}

void SaturationTally::Add(const uint8_t* rgb, const uint8_t* labels, int64_t pixels) {
  for (int64_t i = 0; i < pixels; ++i) {
    if (labels[i] == kIgnoredLabel) continue;
    Histogram& histogram = labels[i] != 0 ? tissue_ : background_;
    ++histogram[Saturation(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2])];
  }
}

void SaturationTally::Add(const SaturationTally& other) {
  for (int i = 0; i < 256; ++i) {
    background_[i] += other.background_[i];
    tissue_[i] += other.tissue_[i];
  }
}

int SaturationTally::threshold() const {
  Histogram all = background_;
  for (int i = 0; i < 256; ++i) all[i] += tissue_[i];
  return OtsuThreshold(all);
}

MaskOverlap SaturationTally::overlap() const {
  const int above = threshold();
  MaskOverlap overlap;
  for (int i = 0; i < 256; ++i) {
    overlap.truth += tissue_[i];
    if (i <= above) continue;
    overlap.both += tissue_[i];
    overlap.predicted += tissue_[i] + background_[i];
  }
  return overlap;
}

std::unique_ptr<RowSource> OtsuMask(RowSource& image) {
  if (image.channels() != 3) {
    Fail(ErrorCode::kUnsupported, "{}: saturation needs an RGB image, not {} channels", image.name(),
         image.channels());
  }
  Histogram histogram{};
  std::vector<uint8_t> rgb(3 * image.width() * image.natural_rows());
  for (int64_t y = 0; y < image.height(); y += image.natural_rows()) {
    const Range rows{y, std::min(y + image.natural_rows(), image.height())};
    image.Read(rows, rgb.data());
    for (int64_t i = 0; i < rows.size() * image.width(); ++i) {
      ++histogram[Saturation(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2])];
    }
  }
  return std::make_unique<SaturationMask>(image.Clone(), OtsuThreshold(histogram));
}

MaskOverlap CompareMasks(RowSource& predicted, RowSource& truth) {
  CheckSides(predicted, truth);
  const int64_t width = predicted.width();
  const int64_t height = predicted.height();
  const int64_t step = predicted.natural_rows();
  std::vector<int64_t> column(width);
  for (int64_t x = 0; x < width; ++x) column[x] = NearestCentre(x, width, truth.width());
  std::vector<uint8_t> predicted_rows(step * width);
  std::vector<uint8_t> labels(truth.width());
  int64_t labels_row = -1;
  MaskOverlap overlap;
  for (int64_t y = 0; y < height; ++y) {
    if (y % step == 0) predicted.Read({y, std::min(y + step, height)}, predicted_rows.data());
    const int64_t row = NearestCentre(y, height, truth.height());
    if (row != labels_row) truth.Read({row, row + 1}, labels.data());
    labels_row = row;
    const uint8_t* guess = predicted_rows.data() + y % step * width;
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t label = labels[column[x]];
      if (label == kIgnoredLabel) continue;
      overlap.truth += label != 0;
      overlap.predicted += guess[x] != 0;
      overlap.both += label != 0 && guess[x] != 0;
    }
  }
  return overlap;
}

}  // namespace swath
