/// Hashes, a small random stream and value noise: the whole of a synthetic slide comes from these.
#pragma once

#include <cmath>
#include <cstdint>

namespace swath {

/// 32 well-mixed bits of a cell (x, y) under a salt.
inline uint32_t HashCell(int64_t x, int64_t y, uint32_t salt) {
  uint32_t h = salt + static_cast<uint32_t>(x) * 0x9E3779B1u;
  h = (h ^ (h >> 15)) * 0x2C1B3C6Du;
  h += static_cast<uint32_t>(y) * 0x85EBCA77u;
  h = (h ^ (h >> 12)) * 0x297A2D39u;
  return h ^ (h >> 15);
}

/// In [0, 1).
inline float UnitFloat(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// SplitMix64 (Steele et al. 2014): the parameters of a slide, and the numbers of one object.
class RandomStream {
 public:
  explicit RandomStream(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint32_t Salt() { return static_cast<uint32_t>(Next() >> 32); }
  /// In [low, high).
  float Uniform(float low, float high) { return low + (high - low) * UnitFloat(Salt()); }

 private:
  uint64_t state_;
};

/// Smooth noise in [0, 1] with features of `scale` px: random values on a lattice, joined by quintics.
class ValueNoise {
 public:
  ValueNoise() = default;
  /// The lattice is turned by a random angle: features would otherwise line up with the image.
  ValueNoise(RandomStream& random, double scale) : salt_(random.Salt()) {
    const auto turn = static_cast<double>(random.Uniform(-1, 1));
    const double length = scale * std::sqrt(1.0 + turn * turn);
    along_ = 1.0 / length;
    across_ = turn / length;
  }

  float At(double x, double y) const {
    const double u = x * along_ - y * across_;
    const double v = x * across_ + y * along_;
    const double left = std::floor(u);
    const double top = std::floor(v);
    const float fx = Ease(static_cast<float>(u - left));
    const float fy = Ease(static_cast<float>(v - top));
    const auto i = static_cast<int64_t>(left);
    const auto j = static_cast<int64_t>(top);
    const float a = Mix(Value(i, j), Value(i + 1, j), fx);
    const float b = Mix(Value(i, j + 1), Value(i + 1, j + 1), fx);
    return Mix(a, b, fy);
  }

 private:
  static float Ease(float t) { return t * t * t * (t * (t * 6.0f - 15.0f) + 10.0f); }
  static float Mix(float a, float b, float t) { return a + (b - a) * t; }
  float Value(int64_t i, int64_t j) const { return UnitFloat(HashCell(i, j, salt_)); }

  uint32_t salt_ = 0;
  double along_ = 1;  ///< lattice steps a pixel
  double across_ = 0;
};

/// 0 below `low`, 1 above `high`, a cubic between.
inline float SmoothStep(float low, float high, float x) {
  float t = (x - low) / (high - low);
  t = t < 0.0f ? 0.0f : (t > 1.0f ? 1.0f : t);
  return t * t * (3.0f - 2.0f * t);
}

}  // namespace swath
