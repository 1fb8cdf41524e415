/// Columns that need not be computed. Empty glass is of one colour in many slides, and what a network makes
/// of it repeats: every few columns, as many as the layers' strides span, values are the same bit for bit. So
/// are results of the same values, which are computed once.
///
/// They are computed once in doubles: float32 sums of the same terms are rounded alike at each of a million
/// pixels, those of different terms this way and that.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "swath/range.h"

namespace swath {

/// Columns of the finer tensor that are looked at together: a multiple of what the strides of most networks
/// span.
inline constexpr int64_t kRepeatedColumns = 64;

/// Columns of a result, and how many blocks as long as they repeat them on their right.
struct Stretch {
  Range columns;
  int64_t repeats = 0;
};

/// Says which blocks of columns of a result repeat the one before.
class Repeats {
 public:
  /// For rows of at most `columns`, in blocks of at least `block`.
  Repeats(int64_t columns, int64_t block);
  static int64_t Bytes(int64_t columns, int64_t block);

  /// A new result, of n columns in blocks of `block`, of which nothing is known yet: all repeat.
  void Begin(int64_t n, int64_t block);
  /// Column x of the result reads columns from + x · stride … to + x · stride of its sources.
  struct Reach {
    int64_t from = 0, to = 0;
    int64_t stride = 1;
  };
  /// The result reads these rows, of `width` columns: what does not repeat in them does not in the result.
  void Read(std::span<const float* const> rows, int64_t width, const Reach& reach);
  /// The result's columns from left to right, without the repeats. Where it is added to rows, these have to
  /// repeat, too.
  std::span<const Stretch> Stretches(std::span<const float* const> added_to = {});

 private:
  int64_t n_ = 0, block_ = 1;
  bool any_ = true;               ///< whether any block of the result may repeat
  std::vector<uint8_t> reading_;  ///< by block: whether all that it reads repeats
  std::vector<uint8_t> repeats_;  ///< of a source, or of the result
  std::vector<Stretch> stretches_;
};

}  // namespace swath
