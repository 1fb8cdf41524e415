#include "slide/jpeg_decompressor.h"

#include <jerror.h>

namespace swath {
namespace {

/// Memory for the coefficients of a progressive JPEG, which libjpeg holds whole.
constexpr int64_t kMaxCoefficientBytes = int64_t{256} << 20;
/// A hostile progressive JPEG can have any number of empty scans.
constexpr int kMaxScans = 500;

}  // namespace

JpegDecompressor::JpegDecompressor(const std::string& path)
    : name_(path), file_(std::fopen(path.c_str(), "rb")) {
  if (file_ == nullptr) swath::Fail(ErrorCode::kInput, "{}: cannot be opened", path);
  Start({});
}

JpegDecompressor::JpegDecompressor(const std::string& name, std::span<const uint8_t> bytes) : name_(name) {
  Start(bytes);
}

void JpegDecompressor::Start(std::span<const uint8_t> bytes) {
  decoder_.err = jpeg_std_error(&errors_.base);
  errors_.base.error_exit = OnError;
  errors_.base.emit_message = OnMessage;
  progress_.progress_monitor = OnProgress;
  auto step = [this, bytes] {
    jpeg_create_decompress(&decoder_);
    decoder_.progress = &progress_;
    if (file_ != nullptr) {
      jpeg_stdio_src(&decoder_, file_);
    } else {
      jpeg_mem_src(&decoder_, bytes.data(), bytes.size());
    }
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

int64_t JpegDecompressor::buffer_bytes() const {
  int64_t blocks = 0;
  for (int c = 0; c < decoder_.num_components; ++c) {
    const auto& component = decoder_.comp_info[c];
    const int64_t down = decoder_.progressive_mode ? component.height_in_blocks : component.v_samp_factor;
    blocks += int64_t{component.width_in_blocks} * down;
  }
  return blocks * DCTSIZE2 * static_cast<int64_t>(sizeof(JCOEF));
}

void JpegDecompressor::CheckHeader() const {
  const auto space = decoder_.jpeg_color_space;
  if (space != JCS_GRAYSCALE && space != JCS_YCbCr && space != JCS_RGB) {
    swath::Fail(ErrorCode::kUnsupported, "{}: a JPEG of {} inks: their colours depend on a printer's profile",
                name_, decoder_.num_components);
  }
  if (buffer_bytes() > kMaxCoefficientBytes) {
    swath::Fail(ErrorCode::kUnsupported,
                "{}: a progressive JPEG of {}x{} pixels: decoding needs {} MiB (at most {})", name_, width(),
                height(), buffer_bytes() >> 20, kMaxCoefficientBytes >> 20);
  }
}

void JpegDecompressor::NextRow(uint8_t* dst) {
  JSAMPROW row = dst;
  jpeg_read_scanlines(&decoder_, &row, 1);
  // Only now does libjpeg look at what follows the last row: left-over data, or no end at all.
  if (decoder_.output_scanline == decoder_.output_height) jpeg_finish_decompress(&decoder_);
}

void JpegDecompressor::OnError(j_common_ptr decoder) {
  auto* errors = reinterpret_cast<Errors*>(decoder->err);
  decoder->err->format_message(decoder, errors->message);
  std::longjmp(errors->jump, 1);
}

/// libjpeg goes on after lost data, with grey pixels; Swath does not.
void JpegDecompressor::OnMessage(j_common_ptr decoder, int level) {
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

void JpegDecompressor::OnProgress(j_common_ptr decoder) {
  if (reinterpret_cast<j_decompress_ptr>(decoder)->input_scan_number <= kMaxScans) return;
  auto* errors = reinterpret_cast<Errors*>(decoder->err);
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans", kMaxScans);
  std::longjmp(errors->jump, 1);
}

void JpegDecompressor::Close() {
  jpeg_destroy_decompress(&decoder_);
  if (file_ != nullptr) std::fclose(file_);
}

}  // namespace swath
