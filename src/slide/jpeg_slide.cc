/// JPEG, by libjpeg-turbo.
// jpeglib.h uses FILE and size_t but declares neither, and jerror.h needs jpeglib.h.
// clang-format off
#include <cstddef>
#include <cstdio>
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <csetjmp>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "slide/format.h"
#include "slide/top_down.h"

namespace swath {
namespace {

/// Memory for the coefficients of a progressive JPEG, which libjpeg holds whole.
constexpr int64_t kMaxCoefficientBytes = int64_t{256} << 20;
/// A hostile progressive JPEG can have any number of empty scans.
constexpr int kMaxScans = 500;

/// libjpeg leaves its functions by longjmp on an error. Only Guard calls setjmp, and what it runs has nothing
/// to destroy.
class JpegFile {
 public:
  explicit JpegFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) swath::Fail(ErrorCode::kInput, "{}: cannot be opened", path);
    decoder_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = OnError;
    errors_.base.emit_message = OnMessage;
    progress_.progress_monitor = OnProgress;
    auto step = [this] {
      jpeg_create_decompress(&decoder_);
      decoder_.progress = &progress_;
      jpeg_stdio_src(&decoder_, file_);
      jpeg_read_header(&decoder_, TRUE);
    };
    try {
      Guard(step);
      CheckHeader();
    } catch (...) {
      Close();
      throw;
    }
  }
  ~JpegFile() { Close(); }
  JpegFile(const JpegFile&) = delete;
  JpegFile& operator=(const JpegFile&) = delete;

  jpeg_decompress_struct& decoder() { return decoder_; }
  bool grey() const { return decoder_.jpeg_color_space == JCS_GRAYSCALE; }
  int64_t width() const { return decoder_.image_width; }
  int64_t height() const { return decoder_.image_height; }

  /// Bytes of coefficients that libjpeg holds while it decodes, or of its few rows.
  int64_t buffer_bytes() const {
    int64_t blocks = 0;
    for (int c = 0; c < decoder_.num_components; ++c) {
      const auto& component = decoder_.comp_info[c];
      const int64_t down = decoder_.progressive_mode ? component.height_in_blocks : component.v_samp_factor;
      blocks += int64_t{component.width_in_blocks} * down;
    }
    return blocks * DCTSIZE2 * static_cast<int64_t>(sizeof(JCOEF));
  }

  /// Runs `step`; throws what libjpeg complains of. `step` must hold no objects with destructors.
  template <class Step>
  void Guard(Step& step) {
    if (!Succeeds(step))
      swath::Fail(ErrorCode::kInput, "{}: the JPEG is damaged: {}", path_, errors_.message);
  }

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

  void CheckHeader() const {
    const auto space = decoder_.jpeg_color_space;
    if (space != JCS_GRAYSCALE && space != JCS_YCbCr && space != JCS_RGB) {
      swath::Fail(ErrorCode::kUnsupported,
                  "{}: a JPEG of {} inks: their colours depend on a printer's profile", path_,
                  decoder_.num_components);
    }
    if (buffer_bytes() > kMaxCoefficientBytes) {
      swath::Fail(ErrorCode::kUnsupported,
                  "{}: a progressive JPEG of {}x{} pixels: decoding needs {} MiB (at most {})", path_,
                  width(), height(), buffer_bytes() >> 20, kMaxCoefficientBytes >> 20);
    }
  }

  static void OnError(j_common_ptr decoder) {
    auto* errors = reinterpret_cast<Errors*>(decoder->err);
    decoder->err->format_message(decoder, errors->message);
    std::longjmp(errors->jump, 1);
  }

  /// libjpeg goes on after lost data, with grey pixels; Swath does not.
  static void OnMessage(j_common_ptr decoder, int level) {
    if (level >= 0) return;
    switch (decoder->err->msg_code) {
      case JWRN_EXTRANEOUS_DATA:
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_JPEG_EOF:
      case JWRN_MUST_RESYNC:
        OnError(decoder);
    }
  }

  static void OnProgress(j_common_ptr decoder) {
    if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number <= kMaxScans) return;
    auto* errors = reinterpret_cast<Errors*>(decoder->err);
    std::snprintf(errors->message, sizeof errors->message, "more than %d scans", kMaxScans);
    std::longjmp(errors->jump, 1);
  }

  void Close() {
    jpeg_destroy_decompress(&decoder_);
    std::fclose(file_);
  }

  std::string path_;
  FILE* file_;
  Errors errors_{};
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct decoder_{};
};

class JpegDecoder final : public RowDecoder {
 public:
  explicit JpegDecoder(const std::string& path) : file_(path) {
    auto step = [this] {
      file_.decoder().out_color_space = JCS_RGB;
      jpeg_start_decompress(&file_.decoder());
    };
    file_.Guard(step);
  }

  int64_t buffer_bytes() const override { return file_.buffer_bytes(); }

  void Next(uint8_t* dst) override {
    auto step = [this, dst] {
      JSAMPROW row = dst;
      jpeg_decompress_struct& decoder = file_.decoder();
      jpeg_read_scanlines(&decoder, &row, 1);
      // Only now does libjpeg look at what follows the last row: left-over data, or no end at all.
      if (decoder.output_scanline == decoder.output_height) jpeg_finish_decompress(&decoder);
    };
    file_.Guard(step);
  }

 private:
  JpegFile file_;
};

}  // namespace

std::shared_ptr<const SlideFormat> OpenJpeg(const std::string& path) {
  const JpegFile file(path);
  SlideInfo info;
  info.path = path;
  info.format = "jpeg";
  info.decoder = "libjpeg";
  info.levels.push_back(
      {.width = file.width(), .height = file.height(), .tile_width = file.width(), .tile_height = 1});
  info.grey = file.grey();
  info.bounds = {0, 0, file.width(), file.height()};
  return std::make_shared<TopDownSlide>(std::move(info), /*has_alpha=*/false,
                                        [path](Pixels) { return std::make_unique<JpegDecoder>(path); });
}

}  // namespace swath
