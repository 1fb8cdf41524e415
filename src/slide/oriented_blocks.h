/// Levels whose file stores them mirrored or turned.
#pragma once

#include <cstdint>
#include <memory>

#include "slide/format.h"

namespace swath {

/// What TIFF's tag of the same name says of the stored rows and columns: where the first ones are when the
/// image is seen.
class TiffOrientation {
 public:
  TiffOrientation() = default;
  /// 1 (row at the top, column on the left) to 8.
  explicit TiffOrientation(int tag) : tag_(tag) {}

  bool is_upright() const { return tag_ == 1; }
  bool stored_rows_are_columns() const { return tag_ >= 5; }
  bool is_mirrored_left_right() const { return tag_ == 2 || tag_ == 3 || tag_ == 6 || tag_ == 7; }
  bool is_mirrored_top_down() const { return tag_ == 3 || tag_ == 4 || tag_ == 7 || tag_ == 8; }
  int tag() const { return tag_; }

  friend bool operator==(const TiffOrientation&, const TiffOrientation&) = default;

 private:
  int tag_ = 1;
};

/// The blocks as they are to be seen. Nothing is decoded more often than without. Where rows are columns,
/// `tile_width` stored columns are a block.
std::unique_ptr<BlockReader> OrientBlocks(std::unique_ptr<BlockReader> stored, Pixels pixels,
                                          TiffOrientation orientation, int64_t tile_width);

}  // namespace swath
