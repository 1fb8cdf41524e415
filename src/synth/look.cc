#include <algorithm>
#include <cmath>
#include <utility>

#include "synth/scene.h"

namespace swath {
namespace {

/// Wraps a box blur of `radius` along one axis of a square texture, a few times: close to a Gaussian.
void Blur(std::vector<float>& values, int64_t radius, int64_t along, int64_t across) {
  constexpr int64_t n = Texture::kSide;
  std::vector<float> line(n);
  for (int64_t i = 0; i < n; ++i) {
    for (int pass = 0; pass < 2; ++pass) {
      for (int64_t j = 0; j < n; ++j) {
        float sum = 0;
        for (int64_t k = -radius; k <= radius; ++k) sum += values[i * across + ((j + k) & (n - 1)) * along];
        line[j] = sum;
      }
      for (int64_t j = 0; j < n; ++j) values[i * across + j * along] = line[j];
    }
  }
}

void Standardise(std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const float v : values) {
    sum += v;
    squares += static_cast<double>(v) * v;
  }
  const double mean = sum / static_cast<double>(values.size());
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()) - mean * mean);
  for (float& v : values) v = static_cast<float>((v - mean) / deviation);
}

Texture MakeTexture(RandomStream& random, int64_t radius) {
  Texture texture;
  texture.values.resize(Texture::kSide * Texture::kSide);
  for (float& v : texture.values) v = random.Uniform(-1, 1);
  Blur(texture.values, radius, 1, Texture::kSide);
  Blur(texture.values, radius, Texture::kSide, 1);
  Standardise(texture.values);
  return texture;
}

/// The profile across the fibres: noise of two widths, on a circle.
std::vector<float> MakeFibre(RandomStream& random) {
  std::vector<float> profile(SlideLook::kFibreSteps);
  for (const auto& [lattice, weight] : {std::pair{128, 0.6f}, std::pair{48, 0.8f}}) {
    std::vector<float> values(lattice);
    for (float& v : values) v = random.Uniform(-1, 1);
    for (int i = 0; i < SlideLook::kFibreSteps; ++i) {
      const float position = static_cast<float>(i) * static_cast<float>(lattice) / SlideLook::kFibreSteps;
      const int left = static_cast<int>(position);
      const float t = SmoothStep(0, 1, position - static_cast<float>(left));
      profile[i] += weight * (values[left] + (values[(left + 1) % lattice] - values[left]) * t);
    }
  }
  Standardise(profile);
  return profile;
}

/// 8-bit values by optical density, through this scanner's white point and gamma.
std::array<std::vector<uint8_t>, 3> MakeTone(RandomStream& random) {
  const float white = random.Uniform(237, 248);
  const float gamma = random.Uniform(0.94f, 1.08f);
  std::array<std::vector<uint8_t>, 3> tone;
  for (std::vector<uint8_t>& curve : tone) {
    const float channel_white = white + random.Uniform(-4, 4);
    curve.resize(SlideLook::kDensitySteps);
    for (int i = 0; i < SlideLook::kDensitySteps; ++i) {
      const double density = static_cast<double>(i) / SlideLook::kStepsPerDensity;
      curve[i] = static_cast<uint8_t>(std::lround(channel_white * std::pow(10.0, -density * gamma)));
    }
  }
  return tone;
}

}  // namespace

SlideLook MakeLook(RandomStream& random) {
  SlideLook look;
  look.haematoxylin = {random.Uniform(0.58f, 0.70f), random.Uniform(0.62f, 0.76f),
                       random.Uniform(0.26f, 0.38f)};
  look.eosin = {random.Uniform(0.05f, 0.14f), random.Uniform(0.90f, 1.02f), random.Uniform(0.26f, 0.48f)};
  look.nucleus = random.Uniform(0.66f, 0.86f);
  look.base_h = random.Uniform(0.06f, 0.12f);
  look.base_e = random.Uniform(0.19f, 0.25f);
  look.pale = random.Uniform(0.68f, 0.8f);
  look.overall = random.Uniform(0.95f, 1.12f);
  look.grain = random.Uniform(0.22f, 0.30f);
  look.noise = random.Uniform(2, 5);
  for (float& t : look.tint) t = random.Uniform(0.0f, 0.07f);
  look.tone = MakeTone(random);
  look.fibre = MakeFibre(random);
  look.scanner_noise.resize(SlideLook::kNoiseLength + Texture::kSide);
  for (float& v : look.scanner_noise) v = random.Uniform(-1, 1) + random.Uniform(-1, 1);
  look.fine = MakeTexture(random, 1);
  look.mottle = MakeTexture(random, 3);
  return look;
}

}  // namespace swath
