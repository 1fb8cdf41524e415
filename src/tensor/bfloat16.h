/// A float32 without its last 16 bits: the same range, two to three decimal digits.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace swath {

struct BFloat16 {
  uint16_t bits = 0;
};

/// To the nearest, of two that are as near to the even one; what is too large becomes infinite, and what is
/// not a number stays none.
inline BFloat16 ToBFloat16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return {static_cast<uint16_t>(bits >> 16 | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

inline float FromBFloat16(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}

inline float RoundToBFloat16(float value) { return FromBFloat16(ToBFloat16(value)); }

}  // namespace swath
