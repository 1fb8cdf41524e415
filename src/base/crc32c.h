/// The checksum of TensorBoard's files.
#pragma once

#include <cstdint>
#include <string_view>

namespace swath {

/// CRC-32C (Castagnoli; RFC 3720, B.4), bit by bit: it is asked for a few hundred bytes a step.
inline uint32_t Crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0u);
  }
  return ~crc;
}

}  // namespace swath
