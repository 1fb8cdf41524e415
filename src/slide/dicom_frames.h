/// Where the frames of a DICOM image lie in its file.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "slide/dicom_file.h"

namespace swath {

/// An index of all frames, 8 bytes each; nothing of the frames themselves is kept. Immutable.
class DicomFrames {
 public:
  /// By an offset table where the file has one, else by the headers of its fragments, in one pass. Throws
  /// Error (kInput) if they do not make the frames that the image should have.
  explicit DicomFrames(const DicomImage& image);

  /// Reads the stored bytes of a frame from a stream of the caller's on the image's file.
  void Read(std::ifstream& stream, int64_t frame, std::vector<uint8_t>* bytes) const;

 private:
  void IndexFragments(std::ifstream& stream, const DicomImage& image);
  void IndexByTable(const std::vector<int64_t>& table, int64_t first);
  int64_t FragmentBytes(std::ifstream& stream, int64_t offset) const;

  std::string path_;
  int64_t file_bytes_ = 0;
  int64_t first_ = 0;           ///< native frames: where they begin
  int64_t frame_bytes_ = 0;     ///< native frames; 0 of fragments
  std::vector<int64_t> begin_;  ///< of each frame's first fragment, and the end of the last
};

}  // namespace swath
