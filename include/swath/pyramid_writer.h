/// Pyramidal images, written by rows from the top down.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace swath {

enum class PyramidPixels {
  kRgb,      ///< 3 channels of uint8, JPEG tiles; lower levels by area averaging
  kGrey,     ///< 1 channel of uint8, deflate tiles, by area averaging: probabilities, 0 to 255
  kFloat32,  ///< 1 channel of float32, deflate tiles, by area averaging: probabilities, 0 to 1
  kLabels,   ///< 1 channel of uint8, deflate tiles, by nearest pixel: masks
};

/// Where the lower levels are.
enum class PyramidLevels {
  kPages,    ///< directories after the first, marked as reduced: as OpenSlide reads all of them
  kSubIfds,  ///< below the first directory: as OME-TIFF has them
};

struct PyramidOptions {
  int64_t width = 0;  ///< of level 0, in pixels; 1 to 2^31 - 1
  int64_t height = 0;
  PyramidPixels pixels = PyramidPixels::kRgb;
  PyramidLevels levels = PyramidLevels::kPages;
  int quality = 80;              ///< JPEG quality, 1-100
  double mpp_x = 0;              ///< micrometres a pixel at level 0, across; 0: unknown
  double mpp_y = 0;              ///< and down
  int threads = 1;               ///< tiles compressed at a time; the file's bytes do not depend on it
  std::string description = {};  ///< the ImageDescription of the first directory
};

/// Writes a BigTIFF of 256 x 256 tiles: one directory a level, each half the size (rounded up) of the one
/// before, down to a shorter side of at most 512 px; reduced levels are marked as such. OpenSlide, libvips
/// and QuPath read them. All levels are built while the rows go by: memory is one row of tiles a level,
/// whatever the height; the compressed lower levels wait in an unnamed temporary file beside the target.
///
/// The file takes its name in Finish(); before, or if the writer is destroyed without it, there is nothing
/// under `path`. Every failure throws Error(kOutput) that names `path`. Belongs to one thread at a time.
class PyramidWriter {
 public:
  PyramidWriter(const std::string& path, const PyramidOptions& options);
  ~PyramidWriter();
  PyramidWriter(const PyramidWriter&) = delete;
  PyramidWriter& operator=(const PyramidWriter&) = delete;

  /// Appends `count` rows, [row, column, channel], tightly packed; float32 as its bytes, wherever they begin.
  void WriteRows(const uint8_t* rows, int64_t count);

  /// Call once, after exactly `height` rows.
  void Finish();

  /// Bytes that a writer holds: a row of tiles of each level, and one that is compressed.
  static int64_t BufferBytes(const PyramidOptions& options);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace swath
