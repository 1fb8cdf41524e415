/// A page of a TIFF in rows of tiles, or strips.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "slide/format.h"
#include "slide/tiff_file.h"
#include "slide/tiff_page.h"
#include "slide/tiff_pixels.h"

namespace swath {

/// Has a file handle of its own.
class TiffBlocks final : public BlockReader {
 public:
  TiffBlocks(const std::string& path, TiffPage page, Pixels pixels);

  int64_t width() const override { return page_.width; }
  int64_t height() const override { return page_.height; }
  int64_t block_rows() const override { return page_.tile_height; }
  int64_t buffer_bytes() const override;
  void Read(int64_t block, Range columns, uint8_t* dst) override;
  std::unique_ptr<BlockReader> Clone() const override;

 private:
  struct Target;
  void ReadTile(const Target& target);
  bool IsUnwritten(uint32_t tile) const;
  const uint8_t* Decode(uint32_t tile, int64_t rows);
  void DecodePlane(uint32_t tile, int64_t rows, uint8_t* dst);

  TiffPage page_;
  Pixels pixels_;
  TiffFile file_;
  TiffPixels converter_;
  std::vector<uint8_t> tile_;    ///< one decoded tile, samples interleaved
  std::vector<uint8_t> stored_;  ///< one tile as it is stored, if libtiff does not decode it
  std::vector<uint8_t> plane_;   ///< one decoded plane of a tile, if they are stored apart
};

}  // namespace swath
