/// Images that the slide tests write to a temporary folder and read back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath::testing {

/// [row, column, channel], uint8.
struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;
  std::vector<uint8_t> pixels = {};

  uint8_t& at(int64_t y, int64_t x, int64_t c) {
    return pixels[static_cast<size_t>((y * width + x) * channels + c)];
  }
  uint8_t at(int64_t y, int64_t x, int64_t c) const {
    return pixels[static_cast<size_t>((y * width + x) * channels + c)];
  }
  friend bool operator==(const Image&, const Image&) = default;
};

/// Noise that depends on the seed only.
Image Noise(int64_t width, int64_t height, int64_t channels, unsigned seed);
/// Smooth, so that JPEG keeps it nearly.
Image Smooth(int64_t width, int64_t height, int64_t channels);
/// Every factor-th pixel, from the first.
Image Subsample(const Image& image, int64_t factor);
Image Crop(const Image& image, int64_t x, int64_t y, int64_t width, int64_t height);

/// The largest difference of two images of one size; 256 if their sizes differ.
int MaxDifference(const Image& a, const Image& b);

/// Reads all rows, `step` at a time.
Image ReadAll(RowSource& source, int64_t step = 7);

/// A folder that is removed at the end of the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// An array as numpy.save writes it: type as "|u1", shape as "31, 53".
void WriteNpy(const std::string& path, const std::string& type, const std::string& shape,
              const std::string& items);

enum class Pyramid { kPages, kSubIfds };

/// How to store a TIFF. The numbers are libtiff's (COMPRESSION_…, PHOTOMETRIC_…, EXTRASAMPLE_…).
struct TiffSpec {
  int64_t tile_width = 0;  ///< 0: strips
  int64_t tile_height = 0;
  int64_t rows_per_strip = 0;
  int compression = 1;
  int photometric = -1;  ///< -1: RGB for 3 or 4 channels, else min-is-black
  int extra_sample = -1;
  int bits = 8;  ///< below 8: the pixels are packed
  bool separate_planes = false;
  bool big = false;
  int quality = 90;
  double mpp = 0;
  int orientation = 1;
  Pyramid pyramid = Pyramid::kPages;
  int64_t unwritten_tile = -1;
  std::string description = {};  ///< of the first page
};

/// Writes the levels, largest first; the first is the image.
void WriteTiff(const std::string& path, const std::vector<Image>& levels, const TiffSpec& spec);

/// Greys of 1, 2, 4 or 8 bits (1 channel), RGB or RGBA of 8.
void WritePng(const std::string& path, const Image& image, int bits = 8, bool interlaced = false);
/// 8-bit indices into a palette that maps i to (i, 255 - i, 7).
void WritePalettePng(const std::string& path, const Image& indices);

void WriteJpeg(const std::string& path, const Image& image, int quality = 95, bool progressive = false);

}  // namespace swath::testing
