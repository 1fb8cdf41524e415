#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "output/tile_encoder.h"

namespace swath {
namespace {

// Probabilities of an untrained network are noise, and a slide has a thousand million. With ISA-L they take a
// fifth of the time that libdeflate's fastest level takes, for as many bytes; its own higher levels make them
// smaller by less than a hundredth.
constexpr uint32_t kLevel = 1;
/// Beside the data, at most: DEFLATE stores what does not shrink in blocks of up to 64 KiB with headers of 5
/// bytes, and zlib's format adds 6.
constexpr size_t Bound(size_t bytes) { return bytes + 5 * (bytes / 32768 + 2) + 6; }

class DeflateTileEncoder : public TileEncoder {
 public:
  explicit DeflateTileEncoder(int64_t pixel_bytes)
      : row_bytes_(kTileSide * pixel_bytes),
        packed_(static_cast<size_t>(kTileSide * row_bytes_)),
        stream_(Bound(packed_.size())),
        work_(ISAL_DEF_LVL1_DEFAULT) {}

  std::vector<uint8_t> Encode(const uint8_t* pixels, int64_t pitch) override {
    // Most tiles of most maps are all background, or all tissue.
    const bool plain = IsPlain(pixels, pitch);
    if (plain && std::equal(plain_pixel_.begin(), plain_pixel_.end(), pixels) && !plain_tile_.empty())
      return plain_tile_;
    for (int64_t y = 0; y < kTileSide; ++y)
      std::memcpy(packed_.data() + y * row_bytes_, pixels + y * pitch, static_cast<size_t>(row_bytes_));
    std::vector<uint8_t> tile = Compress();
    if (plain) {
      plain_pixel_.assign(pixels, pixels + pixel_bytes());
      plain_tile_ = tile;
    }
    return tile;
  }

 private:
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

  /// The packed tile as a stream of zlib's format.
  std::vector<uint8_t> Compress() {
    isal_zstream stream;
    isal_deflate_stateless_init(&stream);
    stream.level = kLevel;
    stream.level_buf = work_.data();
    stream.level_buf_size = static_cast<uint32_t>(work_.size());
    stream.gzip_flag = IGZIP_ZLIB;
    stream.end_of_stream = 1;
    stream.next_in = packed_.data();
    stream.avail_in = static_cast<uint32_t>(packed_.size());
    stream.next_out = stream_.data();
    stream.avail_out = static_cast<uint32_t>(stream_.size());
    if (isal_deflate_stateless(&stream) != COMP_OK)
      Fail(ErrorCode::kOutput, "[deflate] a tile cannot be compressed");
    return {stream_.begin(), stream_.begin() + stream.total_out};
  }

  int64_t row_bytes_;
  std::vector<uint8_t> packed_, stream_, work_;
  std::vector<uint8_t> plain_pixel_, plain_tile_;  ///< the last tile of one value, and as it was compressed
};

}  // namespace

std::unique_ptr<TileEncoder> MakeDeflateTileEncoder(int64_t pixel_bytes) {
  return std::make_unique<DeflateTileEncoder>(pixel_bytes);
}

}  // namespace swath
