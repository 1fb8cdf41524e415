/// Pictures of slides in few bytes.
#pragma once

#include <cstdint>
#include <vector>

namespace swath {

/// A JPEG file of RGB, [row, column, channel], without subsampled colours. quality: 1-100. Throws Error
/// (kOutput).
std::vector<uint8_t> EncodeJpeg(const std::vector<uint8_t>& rgb, int64_t width, int64_t height, int quality);

}  // namespace swath
