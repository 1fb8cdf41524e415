#include "slide/dicom_blocks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "slide/frame_pixels.h"

namespace swath {
namespace {

constexpr int64_t kNoFrame = -1;

/// Native samples, interleaved.
void CopyNative(const std::vector<uint8_t>& stored, const DicomImage& image, uint8_t* dst) {
  if (!image.planar || image.samples == 1) {
    std::memcpy(dst, stored.data(), stored.size());
  } else {
    const size_t count = stored.size() / 3;
    for (size_t i = 0; i < count; ++i) {
      for (size_t c = 0; c < 3; ++c) dst[3 * i + c] = stored[c * count + i];
    }
  }
  if (image.colour != DicomColour::kYcbcr) return;
  for (size_t i = 0; i < stored.size(); i += 3) YcbcrToRgb(dst + i);
}

}  // namespace

DicomBlocks::DicomBlocks(std::shared_ptr<const DicomLevel> level, Pixels pixels)
    : level_(std::move(level)), pixels_(pixels), stream_(level_->image.path, std::ios::binary) {
  if (!stream_) Fail(ErrorCode::kInput, "{}: cannot be opened", level_->image.path);
}

int64_t DicomBlocks::buffer_bytes() const {
  const DicomImage& image = level_->image;
  const int64_t pixels = image.tile_width * image.tile_height;
  // The tile, the frame as stored, and OpenJPEG's four bytes a sample, twice.
  const int64_t decoder = image.coding == DicomCoding::kJp2k ? 8 * pixels * image.samples : 0;
  return 3 * pixels + pixels * image.samples + decoder;
}

/// Where a sparse image has no frame its pixels do not exist.
int64_t DicomBlocks::FrameOf(int64_t tile) const {
  const DicomImage& image = level_->image;
  if (!image.sparse) return tile;
  const auto found = std::lower_bound(image.frame_of_tile.begin(), image.frame_of_tile.end(),
                                      std::pair<int64_t, int64_t>(tile, 0));
  return found != image.frame_of_tile.end() && found->first == tile ? found->second : kNoFrame;
}

/// Leaves RGB in tile_.
void DicomBlocks::Decode(int64_t frame) {
  const DicomImage& image = level_->image;
  level_->frames.Read(stream_, frame, &stored_);
  const int64_t pixels = image.tile_width * image.tile_height;
  tile_.resize(static_cast<size_t>(3 * pixels));
  const FrameShape shape{.width = image.tile_width,
                         .height = image.tile_height,
                         .samples = image.samples,
                         .ycbcr = image.colour == DicomColour::kYcbcr};
  const auto name = [&] { return fmt::format("{}: frame {}", image.path, frame); };
  switch (image.coding) {
    case DicomCoding::kNative:
      CopyNative(stored_, image, tile_.data());
      break;
    case DicomCoding::kJpeg:
      DecodeJpegFrame(name(), stored_, shape, tile_.data());
      break;
    case DicomCoding::kJp2k:
      DecodeJp2kFrame(name(), stored_, shape, tile_.data());
  }
  if (image.samples == 3) return;
  const int flip = image.colour == DicomColour::kInvertedGrey ? 255 : 0;
  for (int64_t i = pixels; i-- > 0;)
    std::memset(tile_.data() + 3 * i, tile_[static_cast<size_t>(i)] ^ flip, 3);
}

void DicomBlocks::Read(int64_t block, Range columns, uint8_t* dst) {
  const DicomImage& image = level_->image;
  const int64_t channels = Channels(pixels_);
  const int64_t rows = std::min(image.tile_height, image.height - block * image.tile_height);
  for (int64_t tile = columns.begin / image.tile_width; tile * image.tile_width < columns.end; ++tile) {
    const int64_t left = tile * image.tile_width;
    const Range part = Intersect({left, left + image.tile_width}, columns);
    const int64_t frame = FrameOf(block * image.tiles_across() + tile);
    const bool colours = pixels_ != Pixels::kExistence && frame != kNoFrame;
    if (colours) Decode(frame);
    const auto bytes = static_cast<size_t>(part.size() * channels);
    for (int64_t y = 0; y < rows; ++y) {
      uint8_t* to = dst + (y * columns.size() + part.begin - columns.begin) * channels;
      if (colours) {
        std::memcpy(to, tile_.data() + 3 * (y * image.tile_width + part.begin - left), bytes);
      } else {
        // The background is white.
        std::memset(to, pixels_ == Pixels::kExistence && frame == kNoFrame ? 0 : 255, bytes);
      }
    }
  }
}

std::unique_ptr<BlockReader> DicomBlocks::Clone() const {
  return std::make_unique<DicomBlocks>(level_, pixels_);
}

}  // namespace swath
