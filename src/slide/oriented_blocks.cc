#include "slide/oriented_blocks.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <vector>

namespace swath {
namespace {

int64_t BlocksOf(const BlockReader& reader) {
  return (reader.height() + reader.block_rows() - 1) / reader.block_rows();
}

class MirroredBlocks final : public BlockReader {
 public:
  MirroredBlocks(std::unique_ptr<BlockReader> stored, int64_t channels, bool left_right, bool top_down)
      : stored_(std::move(stored)), channels_(channels), left_right_(left_right), top_down_(top_down) {
    assert(stored_->missing_rows() == 0);
  }

  int64_t width() const override { return stored_->width(); }
  int64_t height() const override { return stored_->height(); }
  int64_t block_rows() const override { return stored_->block_rows(); }
  int64_t missing_rows() const override {
    return top_down_ ? BlocksOf(*stored_) * block_rows() - height() : 0;
  }
  int64_t buffer_bytes() const override { return stored_->buffer_bytes(); }

  void Read(int64_t block, Range columns, uint8_t* dst) override {
    if (left_right_) columns = {width() - columns.end, width() - columns.begin};
    if (top_down_) block = BlocksOf(*stored_) - 1 - block;
    stored_->Read(block, columns, dst);
    const int64_t rows = std::min(block_rows(), height() - block * block_rows());
    const int64_t row_bytes = columns.size() * channels_;
    if (top_down_) {
      for (int64_t y = 0; y < rows / 2; ++y) {
        uint8_t* const row = dst + y * row_bytes;
        std::swap_ranges(row, row + row_bytes, dst + (rows - 1 - y) * row_bytes);
      }
    }
    if (!left_right_) return;
    for (int64_t y = 0; y < rows; ++y) {
      uint8_t* left = dst + y * row_bytes;
      uint8_t* right = left + row_bytes - channels_;
      for (; left < right; left += channels_, right -= channels_)
        std::swap_ranges(left, left + channels_, right);
    }
  }

  std::unique_ptr<BlockReader> Clone() const override {
    return std::make_unique<MirroredBlocks>(stored_->Clone(), channels_, left_right_, top_down_);
  }

 private:
  std::unique_ptr<BlockReader> stored_;
  int64_t channels_;
  bool left_right_;
  bool top_down_;
};

/// Stored columns as rows: a block is a column of tiles.
class TransposedBlocks final : public BlockReader {
 public:
  TransposedBlocks(std::unique_ptr<BlockReader> stored, int64_t channels, int64_t tile_width)
      : stored_(std::move(stored)), channels_(channels), tile_width_(tile_width) {
    assert(stored_->missing_rows() == 0);
  }

  int64_t width() const override { return stored_->height(); }
  int64_t height() const override { return stored_->width(); }
  int64_t block_rows() const override { return tile_width_; }
  int64_t buffer_bytes() const override {
    return std::min(stored_->block_rows(), width()) * std::min(tile_width_, height()) * channels_ +
           stored_->buffer_bytes();
  }

  void Read(int64_t block, Range columns, uint8_t* dst) override {
    const Range rows{block * tile_width_, std::min((block + 1) * tile_width_, height())};
    for (int64_t x = columns.begin; x < columns.end;) {
      const int64_t stored_block = x / stored_->block_rows();
      const int64_t first = stored_block * stored_->block_rows();
      const int64_t last = std::min(first + stored_->block_rows(), width());
      tile_.resize(static_cast<size_t>((last - first) * rows.size() * channels_));
      stored_->Read(stored_block, rows, tile_.data());
      for (; x < std::min(last, columns.end); ++x) {
        const uint8_t* src = tile_.data() + (x - first) * rows.size() * channels_;
        uint8_t* to = dst + (x - columns.begin) * channels_;
        for (int64_t y = 0; y < rows.size(); ++y, to += columns.size() * channels_) {
          for (int64_t c = 0; c < channels_; ++c) to[c] = *src++;
        }
      }
    }
  }

  std::unique_ptr<BlockReader> Clone() const override {
    return std::make_unique<TransposedBlocks>(stored_->Clone(), channels_, tile_width_);
  }

 private:
  std::unique_ptr<BlockReader> stored_;
  int64_t channels_;
  int64_t tile_width_;
  std::vector<uint8_t> tile_;
};

}  // namespace

std::unique_ptr<BlockReader> OrientBlocks(std::unique_ptr<BlockReader> stored, Pixels pixels,
                                          TiffOrientation orientation, int64_t tile_width) {
  const int64_t channels = Channels(pixels);
  if (orientation.stored_rows_are_columns())
    stored = std::make_unique<TransposedBlocks>(std::move(stored), channels, tile_width);
  const bool left_right = orientation.is_mirrored_left_right(), top_down = orientation.is_mirrored_top_down();
  if (!left_right && !top_down) return stored;
  return std::make_unique<MirroredBlocks>(std::move(stored), channels, left_right, top_down);
}

}  // namespace swath
