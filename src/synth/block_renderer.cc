#include "synth/block_renderer.h"

#include <algorithm>
#include <cmath>

#include "synth/cells.h"

namespace swath {
namespace {

constexpr int64_t kNodesAcross = kBlockWidth / kNodeStep + 1;
constexpr int64_t kNodesDown = kBlockHeight / kNodeStep + 1;

enum class NodeFields { kAll, kTissueOnly };

/// Fields of a block at its nodes, interpolated row by row.
class NodeGrid {
 public:
  NodeGrid(const SynthScene& scene, const BlockPlace& place, NodeFields which) {
    for (int64_t j = 0; j < kNodesDown; ++j) {
      for (int64_t i = 0; i < kNodesAcross; ++i) {
        const auto x = static_cast<double>(place.left + i * kNodeStep);
        const auto y = static_cast<double>(place.top + j * kNodeStep);
        if (which == NodeFields::kAll) {
          nodes_[j][i] = scene.Evaluate(x, y);
        } else {
          nodes_[j][i][kTissue] = scene.TissueField(x, y);
        }
      }
    }
  }

  /// Writes kBlockWidth values.
  void Row(Field field, int64_t y, float* values) const {
    const int64_t j = y / kNodeStep;
    const float down = (static_cast<float>(y % kNodeStep) + 0.5f) / kNodeStep;
    const auto at = [&](int64_t i) {
      return nodes_[j][i][field] + (nodes_[j + 1][i][field] - nodes_[j][i][field]) * down;
    };
    float left = at(0);
    for (int64_t i = 0; i + 1 < kNodesAcross; ++i) {
      const float right = at(i + 1);
      const float slope = (right - left) / kNodeStep;
      for (int64_t x = 0; x < kNodeStep; ++x) {
        values[i * kNodeStep + x] = left + slope * (static_cast<float>(x) + 0.5f);
      }
      left = right;
    }
  }

  bool AllBelow(Field field, float value) const {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& row) {
      return std::all_of(row.begin(), row.end(), [&](const Fields& f) { return f[field] < value; });
    });
  }

 private:
  std::array<std::array<Fields, kNodesAcross>, kNodesDown> nodes_{};
};

float Clamp01(float v) { return v < 0.0f ? 0.0f : (v > 1.0f ? 1.0f : v); }

using FieldRows = std::array<std::array<float, kBlockWidth>, kFieldCount>;

/// Stain amounts of one row.
struct StainRow {
  std::array<float, kBlockWidth> haematoxylin{};
  std::array<float, kBlockWidth> eosin{};
};

void PoolRow(const FieldRows& f, StainRow& stain) {
  for (int64_t x = 0; x < kBlockWidth; ++x) {
    const float pool = Clamp01(f[kPool][x] + 0.5f);
    stain.haematoxylin[x] = pool * f[kPoolHaematoxylin][x];
    stain.eosin[x] = pool * f[kPoolEosin][x];
  }
}

/// Tissue over what PoolRow left. `y` is the row in the slide.
void TissueRow(const SynthScene& scene, const CellBlock& cells, int64_t y, const FieldRows& f,
               StainRow& stain) {
  const SlideLook& look = scene.look();
  const float* fine = look.fine.Row(y);
  const float* mottle = look.mottle.Row(y);
  const int64_t offset = (y - cells.top) * cells.width;
  const float* solid_row = cells.solid.data() + offset;
  const float* nuclei_row = cells.nuclei.data() + offset;
  const float* epithelium_row = cells.epithelium.data() + offset;
  std::array<float, kBlockWidth> fibre;
  for (int64_t x = 0; x < kBlockWidth; ++x) {
    const float across = f[kFibre][x] + 1.5f * mottle[x];
    const int step = static_cast<int>(across * SlideLook::kStepsPerFibrePixel) & (SlideLook::kFibreSteps - 1);
    fibre[x] = look.fibre[step];
  }
  constexpr float kLumenStain = 0.03f;
  for (int64_t x = 0; x < kBlockWidth; ++x) {
    const float inside = Clamp01(f[kTissue][x] + 0.5f);
    const float crack = Clamp01((std::abs(f[kCrack][x]) - f[kCrackWidth][x]) * 0.4f);
    const float solid = std::max(solid_row[x] * crack, kLumenStain) * f[kStrength][x];
    const float nucleus = nuclei_row[x];
    const float epithelium = epithelium_row[x];
    const float grain = 1.0f + look.grain * fine[x] + 0.12f * mottle[x];
    const float strands = 1.0f + f[kFibreDepth][x] * fibre[x] * (1.0f - epithelium);
    const float h = f[kHaematoxylin][x] * strands + 0.12f * epithelium + nucleus * look.nucleus;
    const float e = f[kEosin][x] * strands * (1.0f - 0.45f * nucleus) * (1.0f - 0.25f * epithelium);
    stain.haematoxylin[x] += inside * (h * grain * solid - stain.haematoxylin[x]);
    stain.eosin[x] += inside * (e * grain * solid - stain.eosin[x]);
  }
}

/// Stain and tint to pixels, by Beer and Lambert, through the scanner's tone curve.
void ToneRow(const SlideLook& look, const StainRow& stain, const std::array<const float*, 3>& tint, int64_t y,
             int64_t left, int64_t width, uint8_t* rgb) {
  const float* noise = look.scanner_noise.data() + HashCell(left, y, 77) % SlideLook::kNoiseLength;
  std::array<int, kBlockWidth> steps;
  for (int c = 0; c < 3; ++c) {
    const float h = look.haematoxylin[c] * SlideLook::kStepsPerDensity;
    const float e = look.eosin[c] * SlideLook::kStepsPerDensity;
    constexpr float kLast = SlideLook::kDensitySteps - 1;
    for (int64_t x = 0; x < kBlockWidth; ++x) {
      const float density = stain.haematoxylin[x] * h + stain.eosin[x] * e +
                            tint[c][x] * SlideLook::kStepsPerDensity + look.noise * noise[x];
      steps[x] = static_cast<int>(density < 0.0f ? 0.0f : (density > kLast ? kLast : density));
    }
    const uint8_t* tone = look.tone[c].data();
    for (int64_t x = 0; x < width; ++x) rgb[3 * x + c] = tone[steps[x]];
  }
}

}  // namespace

void RenderBlock(const SynthScene& scene, const BlockPlace& place, uint8_t* rgb, int64_t pitch) {
  const NodeGrid grid(scene, place, NodeFields::kAll);
  const bool has_tissue = !grid.AllBelow(kTissue, -0.5f);
  CellBlock cells(place.left, place.top, kBlockWidth, kBlockHeight);
  if (has_tissue) DrawCells(scene, cells);

  std::vector<float> tints(3 * kBlockWidth * kBlockHeight);
  DensityBlock block{.left = place.left,
                     .top = place.top,
                     .width = kBlockWidth,
                     .height = kBlockHeight,
                     .pitch = kBlockWidth};
  for (int c = 0; c < 3; ++c) {
    block.density[c] = tints.data() + c * kBlockWidth * kBlockHeight;
    for (int64_t y = 0; y < place.height; ++y) {
      grid.Row(static_cast<Field>(kTintRed + c), y, block.density[c] + y * kBlockWidth);
    }
  }
  scene.artefacts().Draw(block);

  FieldRows fields;
  StainRow stain;
  for (int64_t y = 0; y < place.height; ++y) {
    for (int field = 0; field < kTintRed; ++field)
      grid.Row(static_cast<Field>(field), y, fields[field].data());
    PoolRow(fields, stain);
    if (has_tissue) TissueRow(scene, cells, place.top + y, fields, stain);
    const std::array<const float*, 3> tint = {block.density[0] + y * kBlockWidth,
                                              block.density[1] + y * kBlockWidth,
                                              block.density[2] + y * kBlockWidth};
    ToneRow(scene.look(), stain, tint, place.top + y, place.left, place.width, rgb + y * pitch);
  }
}

void RenderMaskBlock(const SynthScene& scene, const BlockPlace& place, uint8_t* labels, int64_t pitch) {
  const NodeGrid grid(scene, place, NodeFields::kTissueOnly);
  std::array<float, kBlockWidth> tissue;
  for (int64_t y = 0; y < place.height; ++y) {
    grid.Row(kTissue, y, tissue.data());
    for (int64_t x = 0; x < place.width; ++x) labels[y * pitch + x] = tissue[x] > 0.0f ? 1 : 0;
  }
}

}  // namespace swath
