#include "synth/artefacts.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace swath {
namespace {

struct Box {
  float left, top, right, bottom;
};

Box BoundsOf(const Artefact& artefact) {
  Box box{1e30f, 1e30f, -1e30f, -1e30f};
  const float reach = artefact.radius + artefact.soft;
  for (const auto& [x, y] : artefact.points) {
    box = {std::min(box.left, x - reach), std::min(box.top, y - reach), std::max(box.right, x + reach),
           std::max(box.bottom, y + reach)};
  }
  return box;
}

float SquaredDistance(float x, float y, const std::array<float, 2>& a, const std::array<float, 2>& b) {
  const float dx = b[0] - a[0];
  const float dy = b[1] - a[1];
  const float length = dx * dx + dy * dy;
  const float along = ((x - a[0]) * dx + (y - a[1]) * dy) / std::max(length, 1e-6f);
  const float t = std::clamp(along, 0.0f, 1.0f);
  const float ox = x - a[0] - t * dx;
  const float oy = y - a[1] - t * dy;
  return ox * ox + oy * oy;
}

float Cover(const Artefact& artefact, float distance) {
  return std::clamp((artefact.radius - distance) / artefact.soft + 0.5f, 0.0f, 1.0f);
}

/// A bubble is a dark rim, brighter just inside it.
float RimCover(const Artefact& artefact, float distance) {
  const float rim = std::max(0.0f, 1.0f - std::abs(distance - artefact.radius) / artefact.soft);
  const float glow =
      std::max(0.0f, 1.0f - std::abs(distance - artefact.radius + 1.8f * artefact.soft) / artefact.soft);
  return rim - 0.06f * glow;
}

/// How much of the artefact's density falls on pixel (x, y).
float CoverAt(const Artefact& artefact, const std::vector<size_t>& segments, float x, float y) {
  if (artefact.kind == ArtefactKind::kStroke) {
    float nearest = 1e30f;
    for (const size_t i : segments) {
      nearest = std::min(nearest, SquaredDistance(x, y, artefact.points[i], artefact.points[i + 1]));
    }
    return Cover(artefact, std::sqrt(nearest));
  }
  const float dx = x - artefact.points.front()[0];
  const float dy = y - artefact.points.front()[1];
  const float distance = std::sqrt(dx * dx + dy * dy);
  return artefact.kind == ArtefactKind::kBubble ? RimCover(artefact, distance) : Cover(artefact, distance);
}

/// The parts of a stroke that can reach the block.
std::vector<size_t> SegmentsNear(const Artefact& artefact, const DensityBlock& block) {
  std::vector<size_t> near;
  const float reach = artefact.radius + artefact.soft;
  for (size_t i = 0; i + 1 < artefact.points.size(); ++i) {
    const auto& a = artefact.points[i];
    const auto& b = artefact.points[i + 1];
    const bool misses = std::max(a[0], b[0]) + reach < static_cast<float>(block.left) ||
                        std::min(a[0], b[0]) - reach > static_cast<float>(block.left + block.width) ||
                        std::max(a[1], b[1]) + reach < static_cast<float>(block.top) ||
                        std::min(a[1], b[1]) - reach > static_cast<float>(block.top + block.height);
    if (!misses) near.push_back(i);
  }
  return near;
}

void DrawOne(const Artefact& artefact, const DensityBlock& block) {
  const Box box = BoundsOf(artefact);
  const int64_t x0 = std::max(block.left, static_cast<int64_t>(std::floor(box.left)));
  const int64_t x1 = std::min(block.left + block.width, static_cast<int64_t>(std::ceil(box.right)) + 1);
  const int64_t y0 = std::max(block.top, static_cast<int64_t>(std::floor(box.top)));
  const int64_t y1 = std::min(block.top + block.height, static_cast<int64_t>(std::ceil(box.bottom)) + 1);
  if (x0 >= x1 || y0 >= y1) return;
  const std::vector<size_t> segments = SegmentsNear(artefact, block);
  if (artefact.kind == ArtefactKind::kStroke && segments.empty()) return;
  for (int64_t y = y0; y < y1; ++y) {
    for (int64_t x = x0; x < x1; ++x) {
      const float cover =
          CoverAt(artefact, segments, static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f);
      if (cover == 0.0f) continue;
      const int64_t at = (y - block.top) * block.pitch + x - block.left;
      for (int c = 0; c < 3; ++c) block.density[c][at] += cover * artefact.density[c];
    }
  }
}

constexpr std::array<std::array<float, 3>, 4> kInks = {{
    {0.70f, 0.16f, 0.50f},  // green
    {0.62f, 0.42f, 0.06f},  // blue
    {0.55f, 0.52f, 0.48f},  // black
    {0.08f, 0.55f, 0.48f},  // red
}};

/// A bent pen stroke: a quadratic curve in a few straight pieces.
Artefact MakeStroke(RandomStream& random, const SlideExtent& extent) {
  const auto macro = static_cast<float>(extent.macro);
  const std::array<float, 2> start = {random.Uniform(0, static_cast<float>(extent.width)),
                                      random.Uniform(0, static_cast<float>(extent.height))};
  std::array<std::array<float, 2>, 2> steps;
  for (auto& step : steps) step = {random.Uniform(-0.4f, 0.4f) * macro, random.Uniform(-0.4f, 0.4f) * macro};
  Artefact stroke{.kind = ArtefactKind::kStroke};
  constexpr int kPieces = 12;
  for (int i = 0; i <= kPieces; ++i) {
    const float t = static_cast<float>(i) / kPieces;
    const float u = 2 * t * (1 - t);
    const float v = t * t;
    stroke.points.push_back({start[0] + u * steps[0][0] + v * (steps[0][0] + steps[1][0]),
                             start[1] + u * steps[0][1] + v * (steps[0][1] + steps[1][1])});
  }
  stroke.radius = std::min(random.Uniform(0.012f, 0.03f) * macro, random.Uniform(24, 60));
  stroke.soft = random.Uniform(3, 12);
  const float thin = random.Uniform(0.3f, 0.75f);
  const auto ink = static_cast<size_t>(random.Uniform(0, 3.999f));
  for (int c = 0; c < 3; ++c) stroke.density[c] = kInks[ink][c] * thin;
  return stroke;
}

Artefact MakeRound(RandomStream& random, const SlideExtent& extent, ArtefactKind kind) {
  const bool bubble = kind == ArtefactKind::kBubble;
  const float x = random.Uniform(0, static_cast<float>(extent.width));
  const float y = random.Uniform(0, static_cast<float>(extent.height));
  const float dark = bubble ? random.Uniform(0.25f, 0.6f) : random.Uniform(0.3f, 1.2f);
  const float warm = random.Uniform(0.9f, 1.25f);
  return {.kind = kind,
          .points = {{x, y}},
          .radius = bubble ? random.Uniform(0.02f, 0.09f) * static_cast<float>(extent.macro)
                           : random.Uniform(1.5f, 6),
          .soft = bubble ? random.Uniform(3, 7) : 2.0f,
          .density = {dark, dark, dark * warm}};
}

/// The glass's edge: a thin, nearly straight line down or across the slide.
Artefact MakeCoverslipEdge(RandomStream& random, const SlideExtent& extent) {
  const auto width = static_cast<float>(extent.width);
  const auto height = static_cast<float>(extent.height);
  const float place =
      random.Uniform(0, 1) < 0.5f ? random.Uniform(0.02f, 0.12f) : random.Uniform(0.88f, 0.98f);
  const float lean = random.Uniform(-0.01f, 0.01f);
  Artefact edge{.kind = ArtefactKind::kStroke, .radius = random.Uniform(1.5f, 4), .soft = 2};
  if (random.Uniform(0, 1) < 0.5f) {
    edge.points = {{place * width, 0}, {(place + lean) * width, height}};
  } else {
    edge.points = {{0, place * height}, {width, (place + lean) * height}};
  }
  edge.density.fill(random.Uniform(0.1f, 0.35f));
  return edge;
}

}  // namespace

ArtefactList::ArtefactList(std::vector<Artefact> artefacts, int64_t height)
    : artefacts_(std::move(artefacts)), bands_((height + kBandRows - 1) / kBandRows) {
  for (size_t i = 0; i < artefacts_.size(); ++i) {
    const Box box = BoundsOf(artefacts_[i]);
    const auto last_band = static_cast<int64_t>(bands_.size()) - 1;
    const int64_t first = std::clamp<int64_t>(static_cast<int64_t>(box.top) / kBandRows, 0, last_band);
    const int64_t last = std::clamp<int64_t>(static_cast<int64_t>(box.bottom + 2) / kBandRows, 0, last_band);
    for (int64_t band = first; band <= last; ++band) bands_[band].push_back(static_cast<int32_t>(i));
  }
}

void ArtefactList::Draw(const DensityBlock& block) const {
  static_assert(kBandRows % 64 == 0, "a block lies in one band");
  for (const int32_t i : bands_[block.top / kBandRows]) DrawOne(artefacts_[i], block);
}

ArtefactList MakeArtefacts(RandomStream& random, const SlideExtent& extent) {
  const double pieces =
      static_cast<double>(extent.width) * static_cast<double>(extent.height) / (extent.macro * extent.macro);
  const auto count = [&](float low, float high) {
    return static_cast<int64_t>(std::lround(pieces * static_cast<double>(random.Uniform(low, high))));
  };
  std::vector<Artefact> artefacts;
  const int64_t strokes = count(0.6f, 1.5f);
  const int64_t bubbles = count(0.3f, 1.0f);
  const int64_t specks = count(6, 16);
  for (int64_t i = 0; i < strokes; ++i) artefacts.push_back(MakeStroke(random, extent));
  for (int64_t i = 0; i < bubbles; ++i) artefacts.push_back(MakeRound(random, extent, ArtefactKind::kBubble));
  for (int64_t i = 0; i < specks; ++i) artefacts.push_back(MakeRound(random, extent, ArtefactKind::kSpeck));
  if (random.Uniform(0, 1) < 0.6f) artefacts.push_back(MakeCoverslipEdge(random, extent));
  return ArtefactList(std::move(artefacts), extent.height);
}

}  // namespace swath
