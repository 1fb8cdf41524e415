/// A level of a DICOM series in rows of tiles.
#pragma once

#include <fstream>
#include <memory>
#include <vector>

#include "slide/dicom_file.h"
#include "slide/dicom_frames.h"
#include "slide/format.h"

namespace swath {

/// What the readers of a level share.
struct DicomLevel {
  DicomImage image;
  DicomFrames frames;
};

/// Has a file handle of its own.
class DicomBlocks final : public BlockReader {
 public:
  DicomBlocks(std::shared_ptr<const DicomLevel> level, Pixels pixels);

  int64_t width() const override { return level_->image.width; }
  int64_t height() const override { return level_->image.height; }
  int64_t block_rows() const override { return level_->image.tile_height; }
  int64_t buffer_bytes() const override;
  void Read(int64_t block, Range columns, uint8_t* dst) override;
  std::unique_ptr<BlockReader> Clone() const override;

 private:
  int64_t FrameOf(int64_t tile) const;
  void Decode(int64_t frame);

  std::shared_ptr<const DicomLevel> level_;
  Pixels pixels_;
  std::ifstream stream_;
  std::vector<uint8_t> stored_;
  std::vector<uint8_t> tile_;  ///< one decoded tile, RGB
};

}  // namespace swath
