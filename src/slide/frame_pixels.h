/// Compressed frames in memory (of DICOM, of TIFF's JPEG 2000) as pixels.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>

namespace swath {

/// What the file around a frame says of it; a frame that is anything else is refused.
struct FrameShape {
  int64_t width = 0;
  int64_t height = 0;
  int64_t samples = 0;  ///< 1: grey, 3: colours
  bool ycbcr = false;   ///< the decoded samples are YCbCr rather than RGB
};

/// Decodes into dst, [row, column, sample], tightly packed: grey or RGB. Throws Error that begins with
/// `name`. What a JPEG's JFIF or Adobe marker says of its colours comes before `ycbcr`.
void DecodeJpegFrame(const std::string& name, std::span<const uint8_t> frame, const FrameShape& shape,
                     uint8_t* dst);
/// JPEG 2000, a codestream or a JP2 file. The colour transform of the codestream itself is always undone.
void DecodeJp2kFrame(const std::string& name, std::span<const uint8_t> frame, const FrameShape& shape,
                     uint8_t* dst);

/// YCbCr of full range to RGB (ITU-R BT.601), in integers as libjpeg does it.
inline void YcbcrToRgb(uint8_t* pixel) {
  constexpr int kHalf = 1 << 15;
  const int y = pixel[0], cb = pixel[1] - 128, cr = pixel[2] - 128;
  const auto clamp = [](int v) { return static_cast<uint8_t>(std::clamp(v, 0, 255)); };
  pixel[0] = clamp(y + ((91881 * cr + kHalf) >> 16));
  pixel[1] = clamp(y + ((-22554 * cb - 46802 * cr + kHalf) >> 16));
  pixel[2] = clamp(y + ((116130 * cb + kHalf) >> 16));
}

}  // namespace swath
