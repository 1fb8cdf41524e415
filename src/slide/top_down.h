/// Formats that decode only from the top down (PNG, JPEG).
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "slide/format.h"

namespace swath {

/// Gives the rows of an image one after the other, once.
class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  virtual int64_t buffer_bytes() const = 0;
  virtual void Next(uint8_t* row) = 0;
};

/// Starts at the top.
using RowDecoderFactory = std::function<std::unique_ptr<RowDecoder>()>;

/// An image of up to this many decoded bytes is decoded once and kept, for all readers cloned from the first.
inline constexpr int64_t kMaxKeptBytes = int64_t{64} << 20;

/// A larger image is decoded by each reader for itself, again from the top whenever rows above its last are
/// wanted: memory stays bounded, strips further down take longer to reach.
class TopDownBlocks final : public BlockReader {
 public:
  struct Size {
    int64_t width;
    int64_t height;
    int64_t channels;
  };
  TopDownBlocks(Size size, RowDecoderFactory start);

  int64_t width() const override { return size_.width; }
  int64_t height() const override { return size_.height; }
  int64_t block_rows() const override { return 16; }
  int64_t buffer_bytes() const override { return buffer_bytes_; }
  void Read(int64_t block, Range columns, uint8_t* dst) override;
  std::unique_ptr<BlockReader> Clone() const override;

 private:
  struct Kept {
    std::mutex mutex;
    std::unique_ptr<RowDecoder> decoder;
    std::vector<uint8_t> pixels;
    int64_t rows = 0;  ///< decoded so far
  };

  TopDownBlocks(Size size, RowDecoderFactory start, std::shared_ptr<Kept> kept);
  int64_t row_bytes() const { return size_.width * size_.channels; }
  void CopyKept(Range rows, Range columns, uint8_t* dst);
  void CopyDecoded(Range rows, Range columns, uint8_t* dst);

  Size size_;
  RowDecoderFactory start_;
  std::shared_ptr<Kept> kept_;  ///< null if the image is too large
  std::unique_ptr<RowDecoder> decoder_;
  int64_t next_row_ = 0;
  std::vector<uint8_t> row_;
  int64_t buffer_bytes_ = 0;  ///< what is kept for all counts for the first reader only
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
