/// Procedural slides: haematoxylin-and-eosin-like images with their tissue masks, of any size.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "swath/row_source.h"

namespace swath {

struct SynthOptions {
  int64_t width = 4096;  ///< in pixels, at least 64
  int64_t height = 4096;
  uint64_t seed = 1;  ///< of the family of slides
  int64_t index = 0;  ///< of the slide in its family
  int threads = 1;    ///< blocks of pixels rendered at a time
  double needle = 0;  ///< share of the tissue that a small texture covers, see Needle; 0: none
};

/// A disc of a texture that the rest of the slide does not have, and that a thumbnail does not show.
struct Needle {
  int64_t x = 0;  ///< its middle
  int64_t y = 0;
  int64_t radius = 0;
};

/// One slide: tissue (glands, nuclei, stroma, fat, folds, pale zones) on a background with pools of stain,
/// pen, dust, bubbles and coverslip edges, under the stain and scanner of this slide. Every pixel is a
/// function of (seed, index, size, x, y) alone: rows may be read in any order, by any number of threads, and
/// are always the same.
///
/// The mask is smooth at about 50 px: lumens, vacuoles and cracks in tissue are tissue; pools, pen and dust
/// are not. Tissue covers 30 to 52 % of a slide.
class SynthSlide {
 public:
  /// Throws Error(kUsage) for a side below 64 px.
  explicit SynthSlide(const SynthOptions& options);

  /// [row, column, RGB], uint8. Holds no more than a band of 64 rows.
  std::unique_ptr<RowSource> Image() const;

  /// [row, column], 1 for tissue, else 0; ceil(side / downsample) px, each the pixel at its centre in the
  /// image.
  std::unique_ptr<RowSource> Mask(int64_t downsample = 1) const;

  /// Where SynthOptions::needle put it.
  const std::optional<Needle>& needle() const { return needle_; }

 private:
  SynthOptions options_;
  std::shared_ptr<const class SynthScene> scene_;
  std::optional<Needle> needle_;
};

}  // namespace swath
