/// Directories of ready-made tiles, written to a BigTIFF one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace swath {

enum class TileFormat { kJpegYCbCr, kDeflateGrey, kDeflateFloat32 };

/// What the tags of one directory say.
struct TiffDirectory {
  int64_t width = 0;
  int64_t height = 0;
  TileFormat format = TileFormat::kJpegYCbCr;
  std::vector<uint8_t> jpeg_tables = {};
  double mpp_x = 0;  ///< micrometres a pixel of this level; 0: unknown, no resolution tags
  double mpp_y = 0;
  bool reduced = false;   ///< a lower level of the image in the first directory
  uint16_t children = 0;  ///< so many directories that follow lie below this one (SubIFDs)
  std::string description = {};
};

/// libtiff's writing side. Every failure throws Error(kOutput) that names `name`.
class TiffDirectories {
 public:
  /// Writes to `file`; messages speak of `name`.
  TiffDirectories(const std::string& file, std::string name);
  ~TiffDirectories();

  void Begin(const TiffDirectory& directory);
  /// `index` counts tiles of the current directory in row-major order.
  void WriteTile(int64_t index, std::vector<uint8_t>& bytes);
  void End();
  /// Closes the file; nothing can be written afterwards.
  void Close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swath
