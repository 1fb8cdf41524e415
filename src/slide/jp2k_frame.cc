/// JPEG 2000, by OpenJPEG.
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/error.h"
#include "slide/frame_pixels.h"
#include "slide/jp2k_codestream.h"

namespace swath {
namespace {

/// Bytes as OpenJPEG's stream.
struct Source {
  std::span<const uint8_t> bytes;
  size_t at = 0;
};

OPJ_SIZE_T ReadSource(void* dst, OPJ_SIZE_T wanted, void* user) {
  auto& source = *static_cast<Source*>(user);
  const size_t count = std::min<size_t>(wanted, source.bytes.size() - source.at);
  if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(dst, source.bytes.data() + source.at, count);
  source.at += count;
  return count;
}

OPJ_BOOL SeekSource(OPJ_OFF_T to, void* user) {
  auto& source = *static_cast<Source*>(user);
  if (to < 0 || static_cast<uint64_t>(to) > source.bytes.size()) return OPJ_FALSE;
  source.at = static_cast<size_t>(to);
  return OPJ_TRUE;
}

OPJ_OFF_T SkipSource(OPJ_OFF_T count, void* user) {
  auto& source = *static_cast<Source*>(user);
  const auto here = static_cast<int64_t>(source.at);
  const int64_t to = std::clamp<int64_t>(here + count, 0, static_cast<int64_t>(source.bytes.size()));
  source.at = static_cast<size_t>(to);
  return to == here && count != 0 ? -1 : to - here;
}

void OnError(const char* message, void* user) {
  auto& first = *static_cast<std::string*>(user);
  if (!first.empty()) return;
  first = message;
  while (!first.empty() && first.back() == '\n') first.pop_back();
}

void Ignore(const char*, void*) {}

// Codec and stream are the same type to C++.
struct DeleteCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct DeleteStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct DeleteImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};

class Jp2kDecoder {
 public:
  Jp2kDecoder(const std::string& name, std::span<const uint8_t> frame) : name_(name), source_{frame} {
    const bool boxes = frame.size() > 8 && std::memcmp(frame.data() + 4, "jP  ", 4) == 0;
    codec_.reset(opj_create_decompress(boxes ? OPJ_CODEC_JP2 : OPJ_CODEC_J2K));
    stream_.reset(opj_stream_create(std::min<size_t>(frame.size() + 1, kStreamBytes), OPJ_TRUE));
    if (codec_ == nullptr || stream_ == nullptr) Damaged();
    opj_set_error_handler(codec_.get(), OnError, &error_);
    opj_set_warning_handler(codec_.get(), Ignore, nullptr);
    opj_set_info_handler(codec_.get(), Ignore, nullptr);
    opj_stream_set_user_data(stream_.get(), &source_, nullptr);
    opj_stream_set_user_data_length(stream_.get(), frame.size());
    opj_stream_set_read_function(stream_.get(), ReadSource);
    opj_stream_set_seek_function(stream_.get(), SeekSource);
    opj_stream_set_skip_function(stream_.get(), SkipSource);
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    // Strict: a codestream that ends early is an error, not a blurred picture.
    if (opj_setup_decoder(codec_.get(), &parameters) != OPJ_TRUE ||
        opj_decoder_set_strict_mode(codec_.get(), OPJ_TRUE) != OPJ_TRUE) {
      Damaged();
    }
    opj_image_t* image = nullptr;
    const bool read = opj_read_header(stream_.get(), codec_.get(), &image) == OPJ_TRUE;
    image_.reset(image);
    if (!read || image_ == nullptr) Damaged();
  }

  /// Before anything of the image's size is allocated.
  void Expect(const FrameShape& shape) const {
    const int64_t width = int64_t{image_->x1} - image_->x0, height = int64_t{image_->y1} - image_->y0;
    if (width != shape.width || height != shape.height || image_->numcomps != shape.samples) {
      Fail(ErrorCode::kInput, "{}: the JPEG 2000 is {}x{} with {} samples a pixel, expected {}x{} with {}",
           name_, width, height, image_->numcomps, shape.width, shape.height, shape.samples);
    }
    for (OPJ_UINT32 c = 0; c < image_->numcomps; ++c) {
      const opj_image_comp_t& component = image_->comps[c];
      if (component.prec != 8 || component.sgnd != 0) {
        Fail(ErrorCode::kUnsupported, "{}: JPEG 2000 samples of {} bits{}: Swath reads 8, unsigned", name_,
             component.prec, component.sgnd != 0 ? ", signed" : "");
      }
    }
  }

  const opj_image_t& Decode() {
    if (opj_decode(codec_.get(), stream_.get(), image_.get()) != OPJ_TRUE ||
        opj_end_decompress(codec_.get(), stream_.get()) != OPJ_TRUE) {
      Damaged();
    }
    return *image_;
  }

  [[noreturn]] void Damaged() const {
    Fail(ErrorCode::kInput, "{}: the JPEG 2000 is damaged{}{}", name_, error_.empty() ? "" : ": ", error_);
  }

 private:
  static constexpr size_t kStreamBytes = size_t{64} << 10;

  std::string name_;
  Source source_;
  std::string error_;
  std::unique_ptr<opj_codec_t, DeleteCodec> codec_;
  std::unique_ptr<opj_stream_t, DeleteStream> stream_;
  std::unique_ptr<opj_image_t, DeleteImage> image_;
};

}  // namespace

void DecodeJp2kFrame(const std::string& name, std::span<const uint8_t> frame, const FrameShape& shape,
                     uint8_t* dst) {
  Jp2kDecoder decoder(name, frame);
  decoder.Expect(shape);
  CheckJp2kIsWhole(name, frame);
  const opj_image_t& image = decoder.Decode();
  for (OPJ_UINT32 c = 0; c < image.numcomps; ++c) {
    const opj_image_comp_t& component = image.comps[c];
    // Chroma may be stored at a half of the size; each sample then stands for dx x dy pixels.
    const int64_t dx = component.dx, dy = component.dy;
    const bool covers = dx > 0 && dy > 0 && int64_t{component.w} * dx >= shape.width &&
                        int64_t{component.h} * dy >= shape.height;
    if (component.data == nullptr || !covers) decoder.Damaged();
    for (int64_t y = 0; y < shape.height; ++y) {
      const OPJ_INT32* row = component.data + y / dy * component.w;
      uint8_t* pixel = dst + y * shape.width * shape.samples + c;
      for (int64_t x = 0; x < shape.width; ++x, pixel += shape.samples) {
        *pixel = static_cast<uint8_t>(std::clamp<OPJ_INT32>(row[dx == 1 ? x : x / dx], 0, 255));
      }
    }
  }
  if (!shape.ycbcr || shape.samples != 3) return;
  for (int64_t i = 0; i < shape.width * shape.height; ++i) YcbcrToRgb(dst + 3 * i);
}

}  // namespace swath
