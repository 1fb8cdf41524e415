/// Augmentation: slides as they might have been, changed while their rows are read.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// One of the eight ways in which a slide may lie: transposed or not, then mirrored.
struct Orientation {
  bool transpose = false;       ///< (x, y) becomes (y, x): width and height change places
  bool mirror_columns = false;  ///< left becomes right
  bool mirror_rows = false;     ///< top becomes bottom
};

/// Changes of haematoxylin and eosin, in this order: density · scale + shift.
struct StainJitter {
  std::array<double, 2> scale{1, 1};
  std::array<double, 2> shift{0, 0};  ///< natural optical density

  friend bool operator==(const StainJitter&, const StainJitter&) = default;
};

/// What a grey value v becomes: (v · brightness - 127.5) · contrast + 127.5.
struct Tone {
  double brightness = 1;
  double contrast = 1;

  friend bool operator==(const Tone&, const Tone&) = default;
};

struct Augmentation {
  Orientation orientation;
  StainJitter stain;
  Tone tone;
};

/// What is drawn for each visit of a slide. Strengths s are at least 0 and below 1.
struct AugmentOptions {
  bool flip = false;       ///< mirrors columns, rows, both or neither
  bool transpose = false;  ///< or not; with `flip` all eight orientations
  double stain = 0;        ///< scales from 1 - s to 1 + s, shifts from -s to s, uniformly
  double brightness = 0;   ///< from 1 - s to 1 + s
  double contrast = 0;     ///< from 1 - s to 1 + s
};

/// Of words flip, transpose, stain, brightness and contrast, the last three perhaps with a strength:
/// "stain=0.05". Throws Error (kUsage).
AugmentOptions ParseAugmentOptions(const std::vector<std::string>& words);
/// The words, with strengths.
std::vector<std::string> ToWords(const AugmentOptions& options);

/// Follows from seed and visit (a number of its own for every slide of every step) alone.
Augmentation DrawAugmentation(const AugmentOptions& options, uint64_t seed, int64_t visit);

// All sources are of bytes. What is read does not depend on how it is asked for.

/// The image of a slide, [row, column, RGB]: its stains, tone and orientation. Throws Error (kUsage) where
/// stains are to change and the image is not RGB.
std::unique_ptr<RowSource> AugmentImage(std::unique_ptr<RowSource> image, const Augmentation& augmentation);

/// Labels have an orientation alone.
std::unique_ptr<RowSource> AugmentLabels(std::unique_ptr<RowSource> labels, const Augmentation& augmentation);

/// Each row from right to left.
std::unique_ptr<RowSource> MirrorColumns(std::unique_ptr<RowSource> source);

/// The rows from the bottom up; no block of the file is decoded twice for it, unless rows are averaged to a
/// pixel size that is no level, which decodes blocks up to twice.
std::unique_ptr<RowSource> MirrorRows(std::unique_ptr<RowSource> source);

/// Columns as rows. The first read puts all pixels aside, in a temporary file without a name in $TMPDIR or
/// /tmp, from where this and its clones read. Memory is in proportion to the width of the source while the
/// file is written, and small after it. Read throws Error (kOutput) where the file cannot grow.
std::unique_ptr<RowSource> Transpose(std::unique_ptr<RowSource> source);

/// Moves colours along the stains. A byte v has the density ln(256 / (v + 1)), and a pixel the densities of
/// haematoxylin, eosin and what is neither by the vectors of Ruifrok and Johnston 2001, (0.65, 0.70, 0.29)
/// and (0.07, 0.99, 0.11), and the one at right angles to both, each of length 1. What is neither stays.
/// Resulting densities are rounded to 1/4096.
std::unique_ptr<RowSource> JitterStains(std::unique_ptr<RowSource> rgb, const StainJitter& jitter);

/// Rounded to the nearest byte.
std::unique_ptr<RowSource> AdjustTone(std::unique_ptr<RowSource> source, const Tone& tone);

}  // namespace swath
