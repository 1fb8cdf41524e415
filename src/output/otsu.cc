#include "swath/otsu.h"

#include <algorithm>

namespace swath {
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

}  // namespace swath
