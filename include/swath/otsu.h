/// The colour threshold that tissue detection is compared with: Otsu's method on HSV saturation.
#pragma once

#include <array>
#include <cstdint>

namespace swath {

/// Pixels of the mask that count for nothing.
inline constexpr uint8_t kIgnoredLabel = 255;

using Histogram = std::array<int64_t, 256>;

/// 255 (max - min) / max of the three channels, rounded down; 0 for black.
int Saturation(uint8_t red, uint8_t green, uint8_t blue);

/// The bin t that maximises the variance between bins <= t and bins > t (Otsu 1979, equation 18); the middle
/// of the best bins where several are equally good, 0 where the histogram has one value only.
int OtsuThreshold(const Histogram& histogram);

/// Pixel counts of two masks; a label other than 0 is tissue.
struct MaskOverlap {
  int64_t both = 0;
  int64_t predicted = 0;
  int64_t truth = 0;

  /// 1 if neither has tissue.
  double dice() const;
};

/// Otsu's threshold and its Dice over an image that goes by once, with its labels. Pixels of kIgnoredLabel
/// are left out of both.
class SaturationTally {
 public:
  /// rgb: [pixel, 3]; labels: [pixel].
  void Add(const uint8_t* rgb, const uint8_t* labels, int64_t pixels);
  void Add(const SaturationTally& other);

  int threshold() const;
  MaskOverlap overlap() const;

 private:
  Histogram background_{};
  Histogram tissue_{};
};

}  // namespace swath
