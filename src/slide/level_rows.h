/// A level, or columns and rows of it, as a RowSource.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "slide/format.h"
#include "swath/row_source.h"

namespace swath {

/// A rectangle of a level, in that level's pixels.
struct LevelWindow {
  Range rows;
  Range columns;
};

/// Keeps the last block that was read in part, so that no block is decoded twice on the way down.
class LevelRows final : public RowSource {
 public:
  LevelRows(std::string name, std::unique_ptr<BlockReader> reader, LevelWindow window, Pixels pixels);

  int64_t width() const override { return window_.columns.size(); }
  int64_t height() const override { return window_.rows.size(); }
  int64_t channels() const override { return Channels(pixels_); }
  int64_t natural_rows() const override;
  int64_t buffer_bytes() const override;
  void Read(Range rows, uint8_t* dst) override;
  std::unique_ptr<RowSource> Clone() const override;
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override;
  const std::string& name() const override { return name_; }

  /// Says that all reads will be of whole multiples of natural_rows(); where these are whole blocks of the
  /// file, no cache is held (nor counted by buffer_bytes).
  void ExpectWholeBlocks() {
    whole_blocks_ = (window_.rows.begin + reader_->missing_rows()) % reader_->block_rows() == 0;
  }

 private:
  Range BlockRows(int64_t block) const;
  int64_t row_bytes() const { return width() * channels(); }
  int64_t block_bytes() const { return std::min(reader_->block_rows(), reader_->height()) * row_bytes(); }

  std::string name_;
  std::unique_ptr<BlockReader> reader_;
  LevelWindow window_;
  Pixels pixels_;
  std::vector<uint8_t> cache_;  ///< the rows of block cached_block_
  int64_t cached_block_ = -1;
  bool whole_blocks_ = false;
};

}  // namespace swath
