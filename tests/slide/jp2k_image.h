/// Images as JPEG 2000, in memory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/slide/images.h"

namespace swath::testing {

struct Jp2kSpec {
  bool lossless = true;
  bool boxes = false;       ///< a JP2 file rather than a codestream
  int64_t tile = 0;         ///< side of the codestream's own tiles; 0: one tile
  bool tile_parts = false;  ///< one for each resolution
};

std::string Jp2kBytes(const Image& image, const Jp2kSpec& spec = {});

/// A TIFF of two by two tiles of RGB, each as it is stored.
struct Jp2kTiff {
  int64_t tile_width = 0;
  int64_t tile_height = 0;
  int compression = 33005;  ///< 33003: the samples are YCbCr
  std::string description = {};
  std::vector<std::string> tiles = {};
};

Jp2kTiff CutToTiles(const Image& image, const Jp2kSpec& spec = {});
void WriteJp2kTiff(const std::string& path, const Jp2kTiff& tiff);

}  // namespace swath::testing
