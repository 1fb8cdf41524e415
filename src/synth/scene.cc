#include "synth/scene.h"

#include <algorithm>
#include <cmath>

namespace swath {
namespace {

constexpr float kEdgeWidth = 2.5f;

/// Signed distance in px to the line where the noise is one half: to first order, from its slope.
float DistanceToMiddle(const ValueNoise& noise, double x, double y) {
  constexpr double kStep = 8;
  const float here = noise.At(x, y);
  const float across = (noise.At(x + kStep, y) - here) / static_cast<float>(kStep);
  const float down = (noise.At(x, y + kStep) - here) / static_cast<float>(kStep);
  return (here - 0.5f) / std::sqrt(across * across + down * down + 1e-10f);
}

/// The value below which `share` of the values lie.
float Quantile(std::vector<float>& values, float share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<int64_t>(share * static_cast<float>(values.size()));
  const auto nth = values.begin() + std::clamp<int64_t>(rank, 0, static_cast<int64_t>(values.size()) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

uint64_t SlideSeed(const SynthOptions& options) {
  return RandomStream(options.seed * 0x9E3779B97F4A7C15u + static_cast<uint64_t>(options.index)).Next();
}

/// Pieces of tissue keep their size on large slides; there are more of them.
double MacroScale(const SynthOptions& options, RandomStream& random) {
  const auto shorter = static_cast<double>(std::min(options.width, options.height));
  return std::clamp(shorter * static_cast<double>(random.Uniform(0.5f, 0.75f)), 256.0, 3200.0);
}

}  // namespace

SynthScene::SynthScene(const SynthOptions& options)
    : random_(SlideSeed(options)),
      macro_(MacroScale(options, random_)),
      noises_(MakeNoises(random_, macro_)),
      look_(MakeLook(random_)),
      section_salt_(random_.Salt()),
      cell_salt_(random_.Salt()) {
  const float angle = random_.Uniform(0, 6.2831853f);
  fibre_x_ = std::cos(angle);
  fibre_y_ = std::sin(angle);
  Calibrate(options, random_);
  artefacts_ = MakeArtefacts(random_, {.width = options.width, .height = options.height, .macro = macro_});
}

SynthScene::Noises SynthScene::MakeNoises(RandomStream& random, double macro) {
  const auto wide = [&](double share) { return ValueNoise(random, share * macro); };
  const auto fixed = [&](double pixels) { return ValueNoise(random, pixels); };
  return {.warp_x = wide(0.4),
          .warp_y = wide(0.4),
          .lobes = wide(0.16),
          .outline = wide(0.5),
          .outline_fine = fixed(110),
          .hole = wide(0.3),
          .pool = wide(0.6),
          .pool_mid = wide(0.25),
          .pool_fine = fixed(120),
          .pool_edge = wide(0.5),
          .fat = wide(0.3),
          .gland = wide(0.35),
          .pale = wide(0.45),
          .cells = fixed(150),
          .cells_wide = wide(0.3),
          .eosin = fixed(260),
          .bend = fixed(330),
          .bend_fine = fixed(90),
          .crack = wide(0.3),
          .crack_where = wide(0.2),
          .fold = wide(0.5),
          .fold_where = wide(0.3),
          .pool_h = fixed(420),
          .pool_e = fixed(300),
          .pool_pale = wide(0.4),
          .tint = wide(1.2),
          .light = wide(1.7)};
}

/// 1 at the middle of a piece of tissue, 0 on its ellipse, less outside.
float SynthScene::Sections(double x, double y) const {
  const double u = x / macro_;
  const double v = y / macro_;
  const auto column = static_cast<int64_t>(std::floor(u));
  const auto row = static_cast<int64_t>(std::floor(v));
  float best = 9;
  for (int64_t j = row - 1; j <= row + 1; ++j) {
    for (int64_t i = column - 1; i <= column + 1; ++i) {
      const auto number = [&](uint32_t k) { return UnitFloat(HashCell(i, j, section_salt_ + k)); };
      const float dx = static_cast<float>(u - static_cast<double>(i)) - 0.5f - 0.5f * (number(0) - 0.5f);
      const float dy = static_cast<float>(v - static_cast<double>(j)) - 0.5f - 0.5f * (number(1) - 0.5f);
      const float size = 1.0f / (0.45f + 0.25f * number(2));
      // A symmetric stretch along one of two pairs of axes makes an ellipse without trigonometry.
      const float stretch = 0.7f * (number(3) - 0.5f);
      const float shear = 0.7f * (number(4) - 0.5f);
      const float a = ((1 + stretch) * dx + shear * dy) * size;
      const float b = (shear * dx + (1 - stretch) * dy) * size;
      best = std::min(best, a * a + b * b);
    }
  }
  return 1.0f - std::sqrt(best);
}

float SynthScene::Outline(double x, double y) const {
  const double reach = 0.3 * macro_;
  const double sx = x + reach * (noises_.warp_x.At(x, y) - 0.5);
  const double sy = y + reach * (noises_.warp_y.At(x, y) - 0.5);
  const float rough = 16.0f / static_cast<float>(macro_) * noises_.outline_fine.At(x, y);
  return Sections(sx, sy) + 0.35f * noises_.outline.At(x, y) + 0.14f * noises_.lobes.At(x, y) + rough;
}

float SynthScene::Hole(double x, double y) const {
  const float hole = noises_.hole.At(x, y) + 0.12f * noises_.lobes.At(x, y);
  return 0.3f * static_cast<float>(macro_) * (0.86f - hole);
}

float SynthScene::Tissue(double x, double y) const {
  const float outline = static_cast<float>(macro_) * 0.5f * (Outline(x, y) - outline_level_);
  return std::min(outline, Hole(x, y));
}

float SynthScene::TissueField(double x, double y) const { return Tissue(x, y) / kEdgeWidth; }

float SynthScene::PoolLevel(double x, double y) const {
  const float rough = 25.0f / static_cast<float>(macro_) * noises_.pool_fine.At(x, y);
  return noises_.pool.At(x, y) + 0.35f * noises_.pool_mid.At(x, y) + rough;
}

float SynthScene::Fat(double x, double y) const {
  return SmoothStep(fat_level_ - 0.02f, fat_level_ + 0.02f, noises_.fat.At(x, y));
}

float SynthScene::Glandular(double x, double y) const {
  return SmoothStep(gland_level_ - 0.05f, gland_level_ + 0.05f, noises_.gland.At(x, y));
}

float SynthScene::Cellularity(double x, double y) const {
  const float mixed = 0.5f * noises_.cells.At(x, y) + 0.5f * noises_.cells_wide.At(x, y);
  return 0.55f + 0.40f * SmoothStep(0.25f, 0.8f, mixed);
}

float SynthScene::Fold(double x, double y) const {
  const float where = SmoothStep(0.55f, 0.65f, noises_.fold_where.At(x, y));
  if (where == 0.0f) return 0;
  return where * (1.0f - SmoothStep(10, 30, std::abs(DistanceToMiddle(noises_.fold, x, y))));
}

Fields SynthScene::Evaluate(double x, double y) const {
  const Noises& n = noises_;
  Fields f{};
  f[kTissue] = TissueField(x, y);
  const float pool_edge = 4.0f + 60.0f * SmoothStep(0.45f, 0.8f, n.pool_edge.At(x, y));
  f[kPool] = static_cast<float>(macro_) * 0.6f * (PoolLevel(x, y) - pool_level_) / pool_edge;
  const float pale = SmoothStep(pale_level_ - 0.06f, pale_level_ + 0.06f, n.pale.At(x, y));
  const float strength = look_.overall * (1.0f + (look_.pale - 1.0f) * pale);
  f[kStrength] = strength * (1.0f + 0.8f * Fold(x, y));
  const float cells = Cellularity(x, y);
  f[kHaematoxylin] = look_.base_h * (0.5f + 0.9f * cells);
  f[kEosin] = look_.base_e * (0.75f + 0.5f * n.eosin.At(x, y));
  f[kFibre] = static_cast<float>(x) * fibre_x_ + static_cast<float>(y) * fibre_y_ + 260.0f * n.bend.At(x, y) +
              50.0f * n.bend_fine.At(x, y);
  f[kFibreDepth] = 0.34f + 0.20f * (1.0f - cells);
  f[kCrack] = DistanceToMiddle(n.crack, x, y);
  f[kCrackWidth] = 9.0f * SmoothStep(0.5f, 0.75f, n.crack_where.At(x, y)) - 3.0f;
  const float pool_strength =
      look_.overall * (1.0f + (look_.pale - 1.0f) * SmoothStep(0.4f, 0.6f, n.pool_pale.At(x, y)));
  const float pool_h = n.pool_h.At(x, y);
  f[kPoolHaematoxylin] = pool_strength * (0.6f * look_.base_h + 0.18f * look_.nucleus * pool_h * pool_h);
  f[kPoolEosin] = pool_strength * look_.base_e * (0.4f + 0.5f * n.pool_e.At(x, y));
  const float thick = SmoothStep(0.45f, 0.75f, n.tint.At(x, y));
  const float shade = 0.05f * n.light.At(x, y);
  for (int c = 0; c < 3; ++c) f[kTintRed + c] = shade + thick * look_.tint[c];
  return f;
}

/// Chooses the levels at which the noises are cut so that every slide has its share of everything.
void SynthScene::Calibrate(const SynthOptions& options, RandomStream& random) {
  const float tissue = random.Uniform(0.32f, 0.50f);
  constexpr int64_t kSamples = 96;
  std::vector<std::array<double, 2>> places;
  for (int64_t j = 0; j < kSamples; ++j) {
    for (int64_t i = 0; i < kSamples; ++i) {
      places.push_back({(static_cast<double>(i) + 0.5) * static_cast<double>(options.width) / kSamples,
                        (static_cast<double>(j) + 0.5) * static_cast<double>(options.height) / kSamples});
    }
  }
  std::vector<float> outline;
  for (const auto& [x, y] : places) outline.push_back(Hole(x, y) > 0 ? Outline(x, y) : -9.0f);
  outline_level_ = Quantile(outline, 1.0f - tissue);
  std::vector<float> pool, fat, gland, pale;
  for (const auto& [x, y] : places) {
    if (Tissue(x, y) <= 0) {
      pool.push_back(PoolLevel(x, y));
    } else {
      fat.push_back(noises_.fat.At(x, y));
      gland.push_back(noises_.gland.At(x, y));
      pale.push_back(noises_.pale.At(x, y));
    }
  }
  pool_level_ = Quantile(pool, 1.0f - random.Uniform(0.28f, 0.34f) * tissue / (1.0f - tissue));
  fat_level_ = Quantile(fat, 1.0f - random.Uniform(0.03f, 0.06f));
  gland_level_ = Quantile(gland, 1.0f - random.Uniform(0.25f, 0.45f));
  pale_level_ = Quantile(pale, 1.0f - random.Uniform(0.20f, 0.30f));
}

}  // namespace swath
