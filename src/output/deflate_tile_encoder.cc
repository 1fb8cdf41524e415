#include <libdeflate.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "base/error.h"
#include "output/tile_encoder.h"

namespace swath {
namespace {

// Masks shrink to almost nothing at any level; for probabilities higher levels cost more time than all that a
// small network computes, for a few per cent.
constexpr int kDeflateLevel = 1;

class DeflateTileEncoder : public TileEncoder {
 public:
  explicit DeflateTileEncoder(int64_t pixel_bytes)
      : row_bytes_(kTileSide * pixel_bytes),
        packed_(static_cast<size_t>(kTileSide * row_bytes_)),
        compressor_(libdeflate_alloc_compressor(kDeflateLevel)) {
    if (!compressor_) throw std::bad_alloc();
  }

  std::vector<uint8_t> Encode(const uint8_t* pixels, int64_t pitch) override {
    // Most tiles of most maps are all background, or all tissue.
    const bool plain = IsPlain(pixels, pitch);
    if (plain && std::equal(plain_pixel_.begin(), plain_pixel_.end(), pixels) && !plain_tile_.empty())
      return plain_tile_;
    for (int64_t y = 0; y < kTileSide; ++y)
      std::memcpy(packed_.data() + y * row_bytes_, pixels + y * pitch, static_cast<size_t>(row_bytes_));
    stream_.resize(libdeflate_zlib_compress_bound(compressor_.get(), packed_.size()));
    const size_t size = libdeflate_zlib_compress(compressor_.get(), packed_.data(), packed_.size(),
                                                 stream_.data(), stream_.size());
    if (size == 0) Fail(ErrorCode::kOutput, "[deflate] a tile cannot be compressed");
    std::vector<uint8_t> tile(stream_.begin(), stream_.begin() + static_cast<int64_t>(size));
    if (plain) {
      plain_pixel_.assign(pixels, pixels + pixel_bytes());
      plain_tile_ = tile;
    }
    return tile;
  }

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const { libdeflate_free_compressor(compressor); }
  };

  int64_t pixel_bytes() const { return row_bytes_ / kTileSide; }

  /// Whether all pixels are alike.
  bool IsPlain(const uint8_t* pixels, int64_t pitch) const {
    if (std::memcmp(pixels, pixels + pixel_bytes(), static_cast<size_t>(row_bytes_ - pixel_bytes())) != 0)
      return false;
    for (int64_t y = 1; y < kTileSide; ++y) {
      if (std::memcmp(pixels, pixels + y * pitch, static_cast<size_t>(row_bytes_)) != 0) return false;
    }
    return true;
  }

  int64_t row_bytes_;
  std::vector<uint8_t> packed_, stream_;
  std::vector<uint8_t> plain_pixel_, plain_tile_;  ///< the last tile of one value, and as it was compressed
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

}  // namespace

std::unique_ptr<TileEncoder> MakeDeflateTileEncoder(int64_t pixel_bytes) {
  return std::make_unique<DeflateTileEncoder>(pixel_bytes);
}

}  // namespace swath
