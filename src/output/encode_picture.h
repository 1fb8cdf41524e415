/// Small pictures as bytes, for those who do not want a file.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace swath {

/// RGB, [row, column, channel], as a baseline JPEG (JFIF, YCbCr 4:2:0). quality: 1-100.
std::vector<uint8_t> EncodeJpeg(const uint8_t* pixels, int64_t width, int64_t height, int quality);

/// Indices into up to 256 colours, RGBA, as a PNG.
std::vector<uint8_t> EncodePng(const uint8_t* indices, int64_t width, int64_t height,
                               std::span<const std::array<uint8_t, 4>> palette);

}  // namespace swath
