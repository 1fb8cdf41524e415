/// Samples of a TIFF tile as Swath's pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "slide/format.h"
#include "slide/tiff_page.h"

namespace swath {

/// Converts rows of decoded samples.
class TiffPixels {
 public:
  /// The page must be one that Swath reads. Throws Error (kUnsupported) if it cannot serve as labels.
  TiffPixels(const std::string& path, const TiffPage& page, Pixels pixels);

  /// Converts `count` pixels from column `first` of a row of interleaved samples (native byte order).
  void Convert(const uint8_t* row, int64_t first, int64_t count, uint8_t* dst);

 private:
  void Unpack(const uint8_t* row, int64_t first, int64_t count);
  void ToColour(int64_t count, uint8_t* dst) const;
  void ToLabels(int64_t count, uint8_t* dst) const;

  const std::string& path_;
  const TiffPage& page_;
  Pixels pixels_;
  std::vector<uint8_t> samples_;  ///< one row, 8 bits a sample; narrower ones are not scaled
};

}  // namespace swath
