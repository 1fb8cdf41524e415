/// Alpha over a background, rounded to nearest.
#pragma once

#include <algorithm>
#include <cstdint>

namespace swath {

constexpr uint8_t BlendStraight(int colour, int alpha, int background) {
  return static_cast<uint8_t>((colour * alpha + background * (255 - alpha) + 127) / 255);
}

constexpr uint8_t BlendPremultiplied(int colour, int alpha, int background) {
  return static_cast<uint8_t>(std::min(255, colour + (background * (255 - alpha) + 127) / 255));
}

}  // namespace swath
