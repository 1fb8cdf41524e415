/// Compression of one tile of pixels into the bytes that a TIFF holds for it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace swath {

/// The side of every tile that Swath writes, in pixels.
inline constexpr int64_t kTileSide = 256;

/// One encoder belongs to one thread at a time.
class TileEncoder {
 public:
  virtual ~TileEncoder() = default;

  /// `pixels`: kTileSide rows of kTileSide pixels, [row, column, channel], rows `pitch` bytes apart.
  virtual std::vector<uint8_t> Encode(const uint8_t* pixels, int64_t pitch) = 0;

  /// What all tiles of a directory share (the JPEGTables tag); empty if nothing.
  virtual std::vector<uint8_t> Tables() { return {}; }
};

/// RGB in, a baseline JPEG (YCbCr 4:2:0) without its tables out. quality: 1-100.
std::unique_ptr<TileEncoder> MakeJpegTileEncoder(int quality);

/// Pixels of `pixel_bytes` in, a zlib stream out.
std::unique_ptr<TileEncoder> MakeDeflateTileEncoder(int64_t pixel_bytes);

}  // namespace swath
