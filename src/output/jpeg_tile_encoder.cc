#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>

// jpeglib.h needs <cstdio> before it.
#include <jpeglib.h>

#include "base/error.h"
#include "output/encode_picture.h"
#include "output/tile_encoder.h"

namespace swath {
namespace {

struct JpegFailure {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
};

[[noreturn]] void OnJpegError(j_common_ptr info) {
  std::longjmp(reinterpret_cast<JpegFailure*>(info->err)->jump, 1);
}

void OnJpegMessage(j_common_ptr) {}

/// Rows of RGB in.
struct JpegPicture {
  const uint8_t* pixels = nullptr;
  int64_t pitch = 0;  ///< bytes from one row to the next
  int64_t width = 0;
  int64_t height = 0;
};

class JpegEncoder {
 public:
  JpegEncoder(int quality, Chroma chroma) {
    info_.err = jpeg_std_error(&failure_.manager);
    failure_.manager.error_exit = OnJpegError;
    failure_.manager.output_message = OnJpegMessage;
    if (!Set(quality, chroma)) {
      jpeg_destroy_compress(&info_);
      Fail(ErrorCode::kOutput, "[jpeg] the encoder cannot be set up: {}", Message());
    }
  }
  ~JpegEncoder() { jpeg_destroy_compress(&info_); }
  JpegEncoder(const JpegEncoder&) = delete;
  JpegEncoder& operator=(const JpegEncoder&) = delete;

  std::vector<uint8_t> Whole(const JpegPicture& picture) {
    return Take(Compress(picture, TRUE), "a picture");
  }
  std::vector<uint8_t> WithoutTables(const JpegPicture& tile) {
    return Take(Compress(tile, FALSE), "a tile");
  }
  std::vector<uint8_t> Tables() { return Take(CompressTables(), "the tables"); }

 private:
  // libjpeg reports errors by longjmp, which must not skip destructors: the three functions below hold none.
  bool Set(int quality, Chroma chroma) {
    if (setjmp(failure_.jump) != 0) return false;
    jpeg_create_compress(&info_);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality, TRUE);
    info_.write_Adobe_marker = FALSE;
    if (chroma == Chroma::kFull) {
      info_.optimize_coding = TRUE;
      info_.comp_info[0].h_samp_factor = 1;
      info_.comp_info[0].v_samp_factor = 1;
    }
    return true;
  }

  bool Compress(const JpegPicture& picture, boolean whole) {
    if (setjmp(failure_.jump) != 0) return false;
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_width = static_cast<JDIMENSION>(picture.width);
    info_.image_height = static_cast<JDIMENSION>(picture.height);
    info_.write_JFIF_header = whole;
    jpeg_suppress_tables(&info_, !whole);
    jpeg_start_compress(&info_, whole);
    while (info_.next_scanline < info_.image_height) {
      constexpr JDIMENSION kRows = 16;
      const JDIMENSION count = std::min(kRows, info_.image_height - info_.next_scanline);
      JSAMPROW rows[kRows];
      for (JDIMENSION i = 0; i < count; ++i) {
        rows[i] = const_cast<uint8_t*>(picture.pixels) +
                  static_cast<int64_t>(info_.next_scanline + i) * picture.pitch;
      }
      jpeg_write_scanlines(&info_, rows, count);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  bool CompressTables() {
    if (setjmp(failure_.jump) != 0) return false;
    jpeg_mem_dest(&info_, &bytes_, &size_);
    jpeg_suppress_tables(&info_, FALSE);
    jpeg_write_tables(&info_);
    return true;
  }

  std::vector<uint8_t> Take(bool good, const char* what) {
    std::vector<uint8_t> taken;
    if (good) taken.assign(bytes_, bytes_ + size_);
    std::free(bytes_);
    bytes_ = nullptr;
    size_ = 0;
    if (!good) {
      jpeg_abort_compress(&info_);
      Fail(ErrorCode::kOutput, "[jpeg] {} cannot be compressed: {}", what, Message());
    }
    return taken;
  }

  std::string Message() {
    char text[JMSG_LENGTH_MAX] = {};
    failure_.manager.format_message(reinterpret_cast<j_common_ptr>(&info_), text);
    return text;
  }

  JpegFailure failure_{};
  jpeg_compress_struct info_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

class JpegTileEncoder final : public TileEncoder {
 public:
  explicit JpegTileEncoder(int quality) : encoder_(quality, Chroma::kHalf) {}
  std::vector<uint8_t> Encode(const uint8_t* pixels, int64_t pitch) override {
    return encoder_.WithoutTables({pixels, pitch, kTileSide, kTileSide});
  }
  std::vector<uint8_t> Tables() override { return encoder_.Tables(); }

 private:
  JpegEncoder encoder_;
};

}  // namespace

std::unique_ptr<TileEncoder> MakeJpegTileEncoder(int quality) {
  return std::make_unique<JpegTileEncoder>(quality);
}

std::vector<uint8_t> EncodeJpeg(const uint8_t* pixels, int64_t width, int64_t height, int quality,
                                Chroma chroma) {
  return JpegEncoder(quality, chroma).Whole({pixels, 3 * width, width, height});
}

}  // namespace swath
