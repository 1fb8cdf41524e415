#include "synth/cells.h"

#include <algorithm>
#include <cmath>

namespace swath {
namespace {

enum SaltOffset : uint32_t { kVacuoleSalt = 100, kGlandSalt = 200, kNucleusSalt = 300, kRingSalt = 400 };

/// An ellipse: q(x, y) = xx dx² + 2 xy dx dy + yy dy² is 1 on its outline.
struct Ellipse {
  float x, y;
  float radius;  ///< of a circle around it
  float xx, xy, yy;
};

/// Radii `radius` along direction (cosine, sine) and `radius * flat` across it.
Ellipse MakeEllipse(float x, float y, float radius, float flat, float cosine, float sine) {
  const float along = 1.0f / (radius * radius);
  const float across = along / (flat * flat);
  return {x,
          y,
          radius,
          along * cosine * cosine + across * sine * sine,
          (along - across) * cosine * sine,
          along * sine * sine + across * cosine * cosine};
}

/// Calls body(index, q) for the pixels of the block within the ellipse's circle.
template <class Body>
void ForPixels(const CellBlock& block, const Ellipse& e, const Body& body) {
  const auto first = [](float v) { return static_cast<int64_t>(std::floor(v)); };
  const float cx = e.x - static_cast<float>(block.left);
  const float cy = e.y - static_cast<float>(block.top);
  const int64_t x0 = std::max<int64_t>(first(cx - e.radius), 0);
  const int64_t x1 = std::min(first(cx + e.radius) + 1, block.width);
  const int64_t y0 = std::max<int64_t>(first(cy - e.radius), 0);
  const int64_t y1 = std::min(first(cy + e.radius) + 1, block.height);
  for (int64_t y = y0; y < y1; ++y) {
    const float dy = static_cast<float>(y) + 0.5f - cy;
    for (int64_t x = x0; x < x1; ++x) {
      const float dx = static_cast<float>(x) + 0.5f - cx;
      body(y * block.width + x, e.xx * dx * dx + 2.0f * e.xy * dx * dy + e.yy * dy * dy);
    }
  }
}

/// Calls body(column, row) for the cells of side `side` that lie within `reach` px of the block.
template <class Body>
void ForCells(const CellBlock& block, int64_t side, int64_t reach, const Body& body) {
  const auto floor_div = [side](int64_t v) { return v >= 0 ? v / side : -((-v + side - 1) / side); };
  for (int64_t j = floor_div(block.top - reach); j <= floor_div(block.top + block.height + reach); ++j) {
    for (int64_t i = floor_div(block.left - reach); i <= floor_div(block.left + block.width + reach); ++i) {
      body(i, j);
    }
  }
}

void DrawNucleus(CellBlock& block, const Ellipse& e, float amount) {
  ForPixels(block, e, [&](int64_t i, float q) {
    const float v = amount * std::clamp(2.2f * (1.0f - q), 0.0f, 1.0f);
    block.nuclei[i] = std::max(block.nuclei[i], v);
  });
}

/// Round vacuoles in staggered rows, which leave thin membranes between them.
void DrawVacuoles(const SynthScene& scene, CellBlock& block) {
  constexpr int64_t kSide = 38;
  ForCells(block, kSide, kSide, [&](int64_t i, int64_t j) {
    const auto number = [&](uint32_t k) {
      return UnitFloat(HashCell(i, j, scene.cell_salt() + kVacuoleSalt + k));
    };
    const float stagger = (j & 1) != 0 ? 0.5f : 0.0f;
    const float x = (static_cast<float>(i) + 0.5f + stagger + 0.34f * (number(0) - 0.5f)) * kSide;
    const float y = (static_cast<float>(j) + 0.5f + 0.34f * (number(1) - 0.5f)) * kSide;
    if (scene.Fat(x, y) < 0.25f + 0.5f * number(2)) return;
    const float radius = kSide * (0.34f + 0.12f * number(3));
    const float edge = 0.5f * radius;
    ForPixels(block, MakeEllipse(x, y, radius, 1, 1, 0), [&](int64_t at, float q) {
      block.solid[at] = std::min(block.solid[at], 1.0f - std::clamp((1.0f - q) * edge * 0.5f, 0.0f, 1.0f));
    });
  });
}

void DrawGland(const SynthScene& scene, CellBlock& block, int64_t i, int64_t j) {
  constexpr int64_t kSide = 168;
  const uint32_t salt = scene.cell_salt() + kGlandSalt;
  const auto number = [&](uint32_t k) { return UnitFloat(HashCell(i, j, salt + k)); };
  const float radius = 36.0f + 28.0f * number(0);
  const float x = (static_cast<float>(i) + 0.5f + 0.3f * (number(1) - 0.5f)) * kSide;
  const float y = (static_cast<float>(j) + 0.5f + 0.3f * (number(2) - 0.5f)) * kSide;
  const bool outside = x + radius < static_cast<float>(block.left) ||
                       y + radius < static_cast<float>(block.top) ||
                       x - radius > static_cast<float>(block.left + block.width) ||
                       y - radius > static_cast<float>(block.top + block.height);
  if (outside || scene.Glandular(x, y) < 0.1f + 0.8f * number(3)) return;
  if (scene.Fat(x, y) > 0.2f || scene.Tissue(x, y) < radius) return;

  const float turn = number(4) - 0.5f;
  const float cosine = 1.0f / std::sqrt(1.0f + 4.0f * turn * turn);
  const float sine = 2.0f * turn * cosine;
  const float flat = 0.65f + 0.3f * number(5);
  const float lumen = 0.2f + 0.35f * number(6);
  ForPixels(block, MakeEllipse(x, y, radius, flat, cosine, sine), [&](int64_t at, float q) {
    const float r = std::sqrt(q);
    block.epithelium[at] = std::max(block.epithelium[at], std::clamp((1.0f - r) * 12.0f, 0.0f, 1.0f));
    block.solid[at] = std::min(block.solid[at], std::clamp((r - lumen) * radius * 0.4f, 0.0f, 1.0f));
    block.nuclei[at] = r < 1.0f ? 0.0f : block.nuclei[at];
  });
  // Nuclei stand along a ring: a walk around it in equal turns.
  const int count = static_cast<int>(0.82f * 6.2832f * radius * 0.85f / 10.5f);
  const float step_cosine = std::cos(6.2831853f / static_cast<float>(count));
  const float step_sine = std::sin(6.2831853f / static_cast<float>(count));
  float a = 1;
  float b = 0;
  for (int k = 0; k < count; ++k) {
    const float jitter = UnitFloat(HashCell(i * 64 + k, j, salt + kRingSalt));
    const float ring = radius * (0.74f + 0.14f * jitter);
    const float ox = a * ring;
    const float oy = b * ring * flat;
    DrawNucleus(block,
                MakeEllipse(x + ox * cosine - oy * sine, y + ox * sine + oy * cosine, 6.2f, 0.68f,
                            a * cosine - b * sine, a * sine + b * cosine),
                0.8f + 0.2f * jitter);
    const float next = a * step_cosine - b * step_sine;
    b = a * step_sine + b * step_cosine;
    a = next;
  }
}

void DrawGlands(const SynthScene& scene, CellBlock& block) {
  constexpr int64_t kSide = 168;
  constexpr int64_t kReach = 100;
  ForCells(block, kSide, kReach, [&](int64_t i, int64_t j) { DrawGland(scene, block, i, j); });
}

void DrawNuclei(const SynthScene& scene, CellBlock& block) {
  constexpr int64_t kSide = 14;
  ForCells(block, kSide, 12, [&](int64_t i, int64_t j) {
    const auto number = [&](uint32_t k) {
      return UnitFloat(HashCell(i, j, scene.cell_salt() + kNucleusSalt + k));
    };
    const float chance = number(0);
    if (chance > 0.95f) return;
    const float x = (static_cast<float>(i) + number(1)) * kSide;
    const float y = (static_cast<float>(j) + number(2)) * kSide;
    if (scene.Cellularity(x, y) < chance) return;
    const float turn = 2.0f * number(3) - 1.0f;
    const float cosine = 1.0f / std::sqrt(1.0f + 4.0f * turn * turn);
    const float radius = 4.2f + 2.4f * number(4);
    DrawNucleus(block, MakeEllipse(x, y, radius, 0.5f + 0.5f * number(5), cosine, 2.0f * turn * cosine),
                0.65f + 0.35f * number(6));
  });
}

}  // namespace

CellBlock::CellBlock(int64_t block_left, int64_t block_top, int64_t block_width, int64_t block_height)
    : left(block_left),
      top(block_top),
      width(block_width),
      height(block_height),
      solid(block_width * block_height, 1.0f),
      nuclei(block_width * block_height),
      epithelium(block_width * block_height) {}

void DrawCells(const SynthScene& scene, CellBlock& block) {
  DrawNuclei(scene, block);
  DrawVacuoles(scene, block);
  DrawGlands(scene, block);
}

}  // namespace swath
