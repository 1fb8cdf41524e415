/// Small pictures as bytes, for those who do not want a file.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace swath {

/// What a JPEG keeps of colours.
enum class Chroma {
  kHalf,  ///< YCbCr 4:2:0, as slides are stored: fast
  kFull,  ///< 4:4:4 and codes made for the picture: sharp lines in few bytes
};

/// RGB, [row, column, channel], as a baseline JPEG (JFIF). quality: 1-100. Throws Error (kOutput).
std::vector<uint8_t> EncodeJpeg(const uint8_t* pixels, int64_t width, int64_t height, int quality,
                                Chroma chroma);

/// Indices into up to 256 colours, RGBA, as a PNG.
std::vector<uint8_t> EncodePng(const uint8_t* indices, int64_t width, int64_t height,
                               std::span<const std::array<uint8_t, 4>> palette);

}  // namespace swath
