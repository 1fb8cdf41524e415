/// libjpeg-turbo over a file or bytes in memory.
#pragma once

// jpeglib.h uses FILE and size_t but declares neither.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
// clang-format on

#include <csetjmp>
#include <cstdint>
#include <span>
#include <string>

#include "base/error.h"

namespace swath {

/// A JPEG whose header has been read. libjpeg leaves its functions by longjmp on an error; only Guard calls
/// setjmp, and what it runs has nothing to destroy.
class JpegDecompressor {
 public:
  /// Throws Error (kInput) if it cannot be read or is damaged, Error (kUnsupported) if it is CMYK or needs
  /// too much memory; messages begin with the path.
  explicit JpegDecompressor(const std::string& path);
  /// The same for `bytes`, which must outlive it; messages begin with `name`.
  JpegDecompressor(const std::string& name, std::span<const uint8_t> bytes);
  ~JpegDecompressor() { Close(); }
  JpegDecompressor(const JpegDecompressor&) = delete;
  JpegDecompressor& operator=(const JpegDecompressor&) = delete;

  jpeg_decompress_struct& decoder() { return decoder_; }
  bool grey() const { return decoder_.jpeg_color_space == JCS_GRAYSCALE; }
  int64_t width() const { return decoder_.image_width; }
  int64_t height() const { return decoder_.image_height; }

  /// Bytes of coefficients that libjpeg holds while it decodes, or of its few rows.
  int64_t buffer_bytes() const;

  /// Runs `step`; throws what libjpeg complains of. `step` must hold no objects with destructors.
  template <class Step>
  void Guard(Step& step) {
    if (!Succeeds(step))
      swath::Fail(ErrorCode::kInput, "{}: the JPEG is damaged: {}", name_, errors_.message);
  }

  /// Reads the next row, one or three channels by the output colour space. To be run by Guard.
  void NextRow(uint8_t* dst);

 private:
  struct Errors {
    jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is a pointer to this
    jmp_buf jump;
    char message[JMSG_LENGTH_MAX];
  };

  template <class Step>
  bool Succeeds(Step& step) {
    if (setjmp(errors_.jump) != 0) return false;
    step();
    return true;
  }

  void Start(std::span<const uint8_t> bytes);
  void CheckHeader() const;
  void Close();
  static void OnError(j_common_ptr decoder);
  static void OnMessage(j_common_ptr decoder, int level);
  static void OnProgress(j_common_ptr decoder);

  std::string name_;
  FILE* file_ = nullptr;  ///< null if it is in memory
  Errors errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct decoder_{};
};

}  // namespace swath
