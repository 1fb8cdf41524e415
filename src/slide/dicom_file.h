/// One instance (a file) of a DICOM whole slide series: what its attributes say, by DCMTK.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace swath {

enum class DicomCoding { kNative, kJpeg, kJp2k };
enum class DicomColour { kGrey, kInvertedGrey, kRgb, kYcbcr };

struct DicomImage {
  std::string path;
  std::string series;    ///< SeriesInstanceUID
  std::string instance;  ///< SOPInstanceUID
  std::string vendor;
  std::string kind;  ///< "VOLUME", "LABEL", "OVERVIEW", "THUMBNAIL"
  int64_t width = 0;
  int64_t height = 0;
  int64_t tile_width = 0;
  int64_t tile_height = 0;
  int64_t frames = 0;
  int64_t samples = 0;
  bool planar = false;  ///< native frames are stored plane after plane
  DicomCoding coding = DicomCoding::kNative;
  DicomColour colour = DicomColour::kRgb;
  std::optional<double> mpp_x, mpp_y;
  int64_t pixel_offset = 0;                                ///< of the value of PixelData in the file
  int64_t pixel_bytes = -1;                                ///< its length; -1 of fragments
  std::vector<int64_t> offset_table;                       ///< the extended one, if there is one
  bool sparse = false;                                     ///< frames say where they lie
  std::vector<std::pair<int64_t, int64_t>> frame_of_tile;  ///< if sparse: tile and frame, sorted by tile
  std::string refusal;                                     ///< why Swath does not read it; empty if it does

  int64_t tiles_across() const { return (width + tile_width - 1) / tile_width; }
  int64_t tiles_down() const { return (height + tile_height - 1) / tile_height; }
};

/// Reads everything but the pixels. Throws Error (kInput) if the file is damaged.
DicomImage ReadDicomImage(const std::string& path);

/// The SeriesInstanceUID alone, quickly; empty if this is no whole DICOM file.
std::string DicomSeries(const std::string& path);

}  // namespace swath
