/// An image in square tiles, at its own size and at halves of it, whatever levels its file has.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "slide/format.h"
#include "swath/range.h"

namespace swath::viewer {

class ReaderPool;

/// Level 0 is the image as it is; a pixel of level n stands for 2^n × 2^n of them.
struct TileIndex {
  int64_t level = 0;
  int64_t column = 0;
  int64_t row = 0;
};

/// How pixels become one.
enum class Reduction { kMean, kNearest };

/// [row, column, channel], tightly packed.
struct Picture {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  std::vector<uint8_t> pixels = {};
};

/// Immutable but for what it keeps to be quick; any thread may call any method at any time.
class TilePyramid {
 public:
  /// `reduction`: where the file has no such level. kNearest is for one channel.
  TilePyramid(std::shared_ptr<const SlideFormat> format, Pixels pixels, Reduction reduction);
  ~TilePyramid();
  TilePyramid(const TilePyramid&) = delete;
  TilePyramid& operator=(const TilePyramid&) = delete;

  const SlideInfo& info() const { return format_->info(); }
  int64_t width() const { return info().levels.front().width; }
  int64_t height() const { return info().levels.front().height; }
  /// The last level is one tile.
  int64_t levels() const { return levels_; }
  /// As the file's tiles go: none of them is decoded for two tiles of a level.
  int64_t tile_side() const { return tile_side_; }

  bool Has(const TileIndex& tile) const;
  /// A tile that it has; cut at the image's right and bottom. Throws Error where the file is damaged.
  Picture Read(const TileIndex& tile) const;
  /// The whole image; its longer side at most `side`.
  Picture Thumbnail(int64_t side) const;

 private:
  struct Window;
  struct Source;

  const Source& SourceFor(double downsample) const;
  Picture Shrunk(const Source& source, const Window& window, int64_t width, int64_t height) const;
  void MakeOverview(Source* source) const;

  std::shared_ptr<const SlideFormat> format_;
  Pixels pixels_;
  Reduction reduction_;
  int64_t levels_ = 1;
  int64_t tile_side_ = 0;
  std::vector<std::unique_ptr<Source>> sources_;  ///< the file's levels, and perhaps a smaller one in memory
};

}  // namespace swath::viewer
