#include <zlib.h>

#include <cstring>

#include "base/error.h"
#include "output/tile_encoder.h"

namespace swath {
namespace {

// Masks shrink to almost nothing at any level; for probabilities the highest levels cost three times the time
// for a few per cent.
constexpr int kDeflateLevel = 4;

class DeflateTileEncoder : public TileEncoder {
 public:
  explicit DeflateTileEncoder(int64_t pixel_bytes) : row_bytes_(kTileSide * pixel_bytes) {}

  std::vector<uint8_t> Encode(const uint8_t* pixels, int64_t pitch) override {
    std::vector<uint8_t> packed(static_cast<size_t>(kTileSide * row_bytes_));
    for (int64_t y = 0; y < kTileSide; ++y) {
      std::memcpy(packed.data() + y * row_bytes_, pixels + y * pitch, static_cast<size_t>(row_bytes_));
    }
    uLongf size = compressBound(packed.size());
    std::vector<uint8_t> stream(size);
    const int status = compress2(stream.data(), &size, packed.data(), packed.size(), kDeflateLevel);
    if (status != Z_OK) Fail(ErrorCode::kOutput, "[deflate] a tile cannot be compressed: {}", zError(status));
    stream.resize(size);
    return stream;
  }

 private:
  int64_t row_bytes_;
};

}  // namespace

std::unique_ptr<TileEncoder> MakeDeflateTileEncoder(int64_t pixel_bytes) {
  return std::make_unique<DeflateTileEncoder>(pixel_bytes);
}

}  // namespace swath
