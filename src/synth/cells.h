/// The small things in tissue, drawn one by one into a block: fat vacuoles, glands, nuclei.
#pragma once

#include <cstdint>
#include <vector>

#include "synth/scene.h"

namespace swath {

/// A block of pixels at (left, top) and what the cells leave in it; every plane is [row, column], `width`
/// wide.
struct CellBlock {
  CellBlock(int64_t block_left, int64_t block_top, int64_t block_width, int64_t block_height);

  int64_t left, top, width, height;
  std::vector<float> solid;       ///< 1 in tissue, 0 in a lumen or vacuole
  std::vector<float> nuclei;      ///< 0 to 1
  std::vector<float> epithelium;  ///< 0 to 1: cytoplasm of glands
};

void DrawCells(const SynthScene& scene, CellBlock& block);

}  // namespace swath
