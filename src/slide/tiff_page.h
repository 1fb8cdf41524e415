/// One page (IFD) of a TIFF: its layout, as far as Swath needs it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "slide/oriented_blocks.h"
#include "slide/tiff_file.h"

namespace swath {

enum class TiffColour { kGrey, kInvertedGrey, kPalette, kRgb };
enum class TiffAlpha { kNone, kPremultiplied, kStraight };

struct TiffPage {
  uint64_t offset = 0;  ///< of the page in the file
  int64_t width = 0;    ///< as stored, here and below
  int64_t height = 0;
  TiffOrientation orientation;
  bool tiled = false;
  int64_t tile_width = 0;        ///< of a strip: the page's width
  int64_t tile_height = 0;       ///< of a strip: its rows
  int64_t tile_bytes = 0;        ///< decoded, of one plane if separate_planes
  int64_t stored_bytes = 0;      ///< of the largest tile or strip in the file
  bool has_empty_tiles = false;  ///< of no bytes
  bool sparse = false;           ///< some of them have no place either: they were never written
  bool separate_planes = false;
  int bits = 0;
  int samples = 0;  ///< a pixel, alpha included
  TiffColour colour = TiffColour::kGrey;
  TiffAlpha alpha = TiffAlpha::kNone;
  std::vector<uint8_t> palette;  ///< RGB of each index
  bool jpeg = false;
  bool jp2k = false;                   ///< JPEG 2000, which libtiff hands over as it is stored
  bool ycbcr = false;                  ///< what the JPEG 2000 decodes to
  bool reduced = false;                ///< marked as a smaller version of another page
  std::vector<uint64_t> children;      ///< offsets of its SubIFDs
  std::optional<double> mpp_x, mpp_y;  ///< from the resolution tags, where they can be meant for a microscope
  std::string refusal;                 ///< why Swath does not read this page; empty if it does
};

/// Reads the current page of the file. Throws Error (kInput) if it is damaged.
TiffPage ReadTiffPage(TiffFile& file);

}  // namespace swath
