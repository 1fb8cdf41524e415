/// PNG, by libpng.
#include <png.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "base/error.h"
#include "slide/blend.h"
#include "slide/format.h"
#include "slide/top_down.h"

namespace swath {
namespace {

/// libpng leaves its functions by longjmp on an error. Only Guard calls setjmp, and what it runs has nothing
/// to destroy.
class PngFile {
 public:
  explicit PngFile(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb")) {
    if (file_ == nullptr) swath::Fail(ErrorCode::kInput, "{}: cannot be opened", path);
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, OnError, [](png_structp, png_const_charp) {});
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) {
      Close();
      throw std::bad_alloc();
    }
  }
  ~PngFile() { Close(); }
  PngFile(const PngFile&) = delete;
  PngFile& operator=(const PngFile&) = delete;

  png_structp png() const { return png_; }
  png_infop info() const { return info_; }
  FILE* file() const { return file_; }
  const std::string& path() const { return path_; }

  /// Runs `step`; throws what libpng complains of. `step` must hold no objects with destructors.
  template <class Step>
  void Guard(Step& step) {
    if (!Succeeds(step)) swath::Fail(ErrorCode::kInput, "{}: the PNG is damaged: {}", path_, message_);
  }

 private:
  template <class Step>
  bool Succeeds(Step& step) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;
    step();
    return true;
  }

  static void OnError(png_structp png, png_const_charp message) {
    auto* self = static_cast<PngFile*>(png_get_error_ptr(png));
    std::snprintf(self->message_, sizeof self->message_, "%s", message);
    png_longjmp(png, 1);
  }

  void Close() {
    if (png_ != nullptr) png_destroy_read_struct(&png_, &info_, nullptr);
    std::fclose(file_);
  }

  std::string path_;
  FILE* file_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  char message_[256] = {};
};

struct Header {
  png_uint_32 width = 0;
  png_uint_32 height = 0;
  int bits = 0;
  int colour = 0;
  bool interlaced = false;
  bool has_alpha = false;
};

Header ReadHeader(PngFile& file) {
  Header header;
  auto step = [&file, &header] {
    int interlace = 0;
    png_init_io(file.png(), file.file());
    png_read_info(file.png(), file.info());
    png_get_IHDR(file.png(), file.info(), &header.width, &header.height, &header.bits, &header.colour,
                 &interlace, nullptr, nullptr);
    header.interlaced = interlace != PNG_INTERLACE_NONE;
    header.has_alpha = (header.colour & PNG_COLOR_MASK_ALPHA) != 0 ||
                       png_get_valid(file.png(), file.info(), PNG_INFO_tRNS) != 0;
  };
  file.Guard(step);
  if (header.bits > 8) {
    Fail(ErrorCode::kUnsupported,
         "{}: samples of {} bits, expected at most 8: choose how to reduce the range", file.path(),
         header.bits);
  }
  return header;
}

class PngDecoder final : public RowDecoder {
 public:
  PngDecoder(const std::string& path, Pixels pixels) : file_(path), pixels_(pixels) {
    const Header header = ReadHeader(file_);
    width_ = header.width;
    height_ = header.height;
    size_t row_bytes = 0;
    auto step = [this, &row_bytes] {
      png_structp png = file_.png();
      if (pixels_ == Pixels::kLabels) {
        png_set_packing(png);  // a byte a pixel, values as stored
      } else {
        png_set_expand(png);
        png_set_gray_to_rgb(png);
      }
      png_set_interlace_handling(png);
      png_read_update_info(png, file_.info());
      channels_ = png_get_channels(png, file_.info());
      row_bytes = png_get_rowbytes(png, file_.info());
    };
    file_.Guard(step);
    row_.resize(row_bytes);
    if (header.interlaced) ReadInterlaced();
  }

  int64_t buffer_bytes() const override {
    constexpr int64_t kZlib = int64_t{64} << 10;
    return static_cast<int64_t>(row_.size() * 3 + image_.size()) + kZlib;  // libpng holds two rows itself
  }

  void Next(uint8_t* dst) override {
    if (image_.empty()) {
      auto step = [this] { png_read_row(file_.png(), row_.data(), nullptr); };
      file_.Guard(step);
    } else {
      std::memcpy(row_.data(), image_.data() + static_cast<size_t>(next_row_) * row_.size(), row_.size());
    }
    Convert(dst);
    if (++next_row_ == height_ && image_.empty()) {
      auto step = [this] { png_read_end(file_.png(), nullptr); };
      file_.Guard(step);
    }
  }

 private:
  /// The rows of an interlaced image are complete only at the end of the file.
  void ReadInterlaced() {
    if (static_cast<int64_t>(row_.size()) > kMaxKeptBytes / height_) {
      Fail(ErrorCode::kUnsupported, "{}: an interlaced PNG of {}x{} pixels (at most {} MiB when decoded)",
           file_.path(), width_, height_, kMaxKeptBytes >> 20);
    }
    image_.resize(row_.size() * static_cast<size_t>(height_));
    std::vector<png_bytep> rows;
    for (int64_t y = 0; y < height_; ++y)
      rows.push_back(image_.data() + static_cast<size_t>(y) * row_.size());
    auto step = [this, &rows] {
      png_read_image(file_.png(), rows.data());
      png_read_end(file_.png(), nullptr);
    };
    file_.Guard(step);
  }

  void Convert(uint8_t* dst) const {
    const bool has_alpha = channels_ == 2 || channels_ == 4;
    const uint8_t* src = row_.data();
    for (int64_t x = 0; x < width_; ++x, src += channels_) {
      const int alpha = has_alpha ? src[channels_ - 1] : 255;
      switch (pixels_) {
        case Pixels::kColour:
          for (int c = 0; c < 3; ++c) *dst++ = BlendStraight(src[c], alpha, 255);
          break;
        case Pixels::kExistence:
          *dst++ = alpha != 0 ? 255 : 0;
          break;
        case Pixels::kLabels:
          if (alpha != 255 || (channels_ > 2 && (src[0] != src[1] || src[0] != src[2]))) {
            Fail(ErrorCode::kUnsupported, "{}: a mask holds labels; found a {} pixel in row {}", file_.path(),
                 alpha != 255 ? "transparent" : "coloured", next_row_);
          }
          *dst++ = src[0];
      }
    }
  }

  PngFile file_;
  Pixels pixels_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  int64_t channels_ = 0;
  int64_t next_row_ = 0;
  std::vector<uint8_t> row_;
  std::vector<uint8_t> image_;  ///< whole, if interlaced
};

}  // namespace

std::shared_ptr<const SlideFormat> OpenPng(const std::string& path) {
  PngFile file(path);
  const Header header = ReadHeader(file);
  SlideInfo info;
  info.path = path;
  info.format = "png";
  info.decoder = "libpng";
  info.levels.push_back(
      {.width = header.width, .height = header.height, .tile_width = header.width, .tile_height = 1});
  info.grey = (header.colour & PNG_COLOR_MASK_COLOR) == 0;
  info.bounds = {0, 0, header.width, header.height};
  return std::make_shared<TopDownSlide>(std::move(info), header.has_alpha, [path](Pixels pixels) {
    return std::make_unique<PngDecoder>(path, pixels);
  });
}

}  // namespace swath
