#include "slide/tiff_blocks.h"

#include <tiffio.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "slide/frame_pixels.h"

namespace swath {

/// The part of one tile that is wanted, and where its first pixel goes.
struct TiffBlocks::Target {
  uint32_t tile;  ///< libtiff's number of the (first plane's) tile or strip
  int64_t rows;   ///< wanted, from the tile's first
  Range columns;  ///< wanted, counted in the tile
  uint8_t* dst;
  int64_t pitch;  ///< bytes from one row of dst to the next
};

TiffBlocks::TiffBlocks(const std::string& path, TiffPage page, Pixels pixels)
    : page_(std::move(page)), pixels_(pixels), file_(path), converter_(file_.path(), page_, pixels) {
  file_.GoTo(page_.offset);
  page_ = ReadTiffPage(file_);  // again: it also tells this handle how to decode
}

int64_t TiffBlocks::buffer_bytes() const {
  const int64_t tile = page_.tile_bytes * (page_.separate_planes ? page_.samples + 1 : 1);
  const int64_t tiles = (page_.width + page_.tile_width - 1) / page_.tile_width *
                        ((page_.height + page_.tile_height - 1) / page_.tile_height);
  const int64_t tables = 2 * static_cast<int64_t>(sizeof(uint64_t)) * tiles;  // libtiff's offsets and lengths
  constexpr int64_t kCodecBytes = int64_t{40} << 10;                          // measured: JPEG, deflate, LZW
  const int64_t jp2k = page_.jp2k ? 8 * page_.tile_bytes : 0;  // OpenJPEG's four bytes a sample, twice
  return tile + jp2k + tables + page_.stored_bytes + kCodecBytes;
}

bool TiffBlocks::IsUnwritten(uint32_t tile) const {
  return page_.sparse && TIFFGetStrileByteCount(file_.handle(), tile) == 0 &&
         TIFFGetStrileOffset(file_.handle(), tile) == 0;
}

void TiffBlocks::DecodePlane(uint32_t tile, int64_t rows, uint8_t* dst) {
  if (page_.jp2k) {
    file_.ReadStoredTile(tile, &stored_);
    const FrameShape shape{.width = page_.tile_width,
                           .height = page_.tile_height,
                           .samples = page_.samples,
                           .ycbcr = page_.ycbcr};
    return DecodeJp2kFrame(fmt::format("{}: tile {}", file_.path(), tile), stored_, shape, dst);
  }
  if (page_.tiled) return file_.ReadTile(tile, dst, page_.tile_bytes);
  file_.ReadStrip(tile, dst,
                  page_.tile_bytes / page_.tile_height * rows);  // the last strip is cut at the image's end
}

/// Returns rows of interleaved samples.
const uint8_t* TiffBlocks::Decode(uint32_t tile, int64_t rows) {
  if (!page_.separate_planes) {
    tile_.resize(static_cast<size_t>(page_.tile_bytes));
    DecodePlane(tile, rows, tile_.data());
    return tile_.data();
  }
  plane_.resize(static_cast<size_t>(page_.tile_bytes));
  tile_.resize(plane_.size() * static_cast<size_t>(page_.samples));
  const auto plane_tiles =
      (page_.tiled ? TIFFNumberOfTiles(file_.handle()) : TIFFNumberOfStrips(file_.handle())) /
      static_cast<uint32_t>(page_.samples);
  for (int plane = 0; plane < page_.samples; ++plane) {
    DecodePlane(tile + static_cast<uint32_t>(plane) * plane_tiles, rows, plane_.data());
    const size_t count = static_cast<size_t>(page_.tile_width * rows);
    uint8_t* dst = tile_.data() + plane;
    for (size_t i = 0; i < count; ++i) dst[i * static_cast<size_t>(page_.samples)] = plane_[i];
  }
  return tile_.data();
}

void TiffBlocks::ReadTile(const Target& target) {
  const int64_t channels = Channels(pixels_);
  const bool unwritten = IsUnwritten(target.tile);
  if (unwritten && pixels_ == Pixels::kLabels)
    file_.Fail(fmt::format("tile {} was never written", target.tile));
  const bool all_exist = pixels_ == Pixels::kExistence && page_.alpha == TiffAlpha::kNone;
  if (unwritten || all_exist) {
    const int value = unwritten && pixels_ == Pixels::kExistence ? 0 : 255;  // the background is white
    for (int64_t y = 0; y < target.rows; ++y) {
      std::memset(target.dst + y * target.pitch, value,
                  static_cast<size_t>(target.columns.size() * channels));
    }
    return;
  }
  const uint8_t* src = Decode(target.tile, target.rows);
  const int64_t row_bytes = page_.separate_planes ? page_.tile_bytes / page_.tile_height * page_.samples
                                                  : page_.tile_bytes / page_.tile_height;
  for (int64_t y = 0; y < target.rows; ++y) {
    converter_.Convert(src + y * row_bytes, target.columns.begin, target.columns.size(),
                       target.dst + y * target.pitch);
  }
}

void TiffBlocks::Read(int64_t block, Range columns, uint8_t* dst) {
  const int64_t channels = Channels(pixels_);
  const int64_t rows = std::min(page_.tile_height, page_.height - block * page_.tile_height);
  const int64_t across = (page_.width + page_.tile_width - 1) / page_.tile_width;
  for (int64_t tile = columns.begin / page_.tile_width; tile * page_.tile_width < columns.end; ++tile) {
    const int64_t left = tile * page_.tile_width;
    const Range part = Intersect({left, left + page_.tile_width}, columns);
    ReadTile({.tile = static_cast<uint32_t>(block * across + tile),
              .rows = rows,
              .columns = {part.begin - left, part.end - left},
              .dst = dst + (part.begin - columns.begin) * channels,
              .pitch = columns.size() * channels});
  }
}

std::unique_ptr<BlockReader> TiffBlocks::Clone() const {
  return std::make_unique<TiffBlocks>(file_.path(), page_, pixels_);
}

}  // namespace swath
