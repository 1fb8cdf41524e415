/// Formats that decode only from the top down (PNG, JPEG).
#pragma once

#include <functional>
#include <memory>

#include "slide/decoded_rows.h"
#include "slide/format.h"

namespace swath {

/// One of the readers of an image that is decoded once for all of them.
class TopDownBlocks final : public BlockReader {
 public:
  explicit TopDownBlocks(std::shared_ptr<DecodedRows> rows)
      : rows_(std::move(rows)), buffer_bytes_(rows_->buffer_bytes()) {}

  int64_t width() const override { return rows_->size().width; }
  int64_t height() const override { return rows_->size().height; }
  int64_t block_rows() const override { return 16; }
  /// What is held for all counts for the first reader only.
  int64_t buffer_bytes() const override { return buffer_bytes_; }
  void Read(int64_t block, Range columns, uint8_t* dst) override;
  std::unique_ptr<BlockReader> Clone() const override;

 private:
  std::shared_ptr<DecodedRows> rows_;
  int64_t buffer_bytes_;
};

/// A slide of one level.
class TopDownSlide final : public SlideFormat {
 public:
  /// `start` makes decoders for what is asked; `has_alpha` says whether pixels may not be there.
  using Start = std::function<std::unique_ptr<RowDecoder>(Pixels)>;
  TopDownSlide(SlideInfo info, bool has_alpha, Start start);
  std::unique_ptr<BlockReader> OpenLevel(int level, Pixels pixels) const override;
  bool may_have_holes() const override { return has_alpha_; }

 private:
  bool has_alpha_;
  Start start_;
};

}  // namespace swath
