/// The pixels of a synthetic slide, block by block.
#pragma once

#include <cstdint>

#include "synth/scene.h"

namespace swath {

/// Blocks lie on a grid of this size from the slide's corner; those at its right and bottom are cut.
inline constexpr int64_t kBlockWidth = 256;
inline constexpr int64_t kBlockHeight = 64;

/// A block's place on the grid, in px.
struct BlockPlace {
  int64_t left = 0;
  int64_t top = 0;
  int64_t width = kBlockWidth;
  int64_t height = kBlockHeight;
};

/// Writes [row, column, RGB] with rows `pitch` bytes apart.
void RenderBlock(const SynthScene& scene, const BlockPlace& place, uint8_t* rgb, int64_t pitch);

/// Writes [row, column]: 1 where the pixel is tissue, else 0, with rows `pitch` bytes apart.
void RenderMaskBlock(const SynthScene& scene, const BlockPlace& place, uint8_t* labels, int64_t pitch);

}  // namespace swath
