#include "swath/png_writer.h"

#include <png.h>

#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"
#include "base/pending_file.h"

namespace swath {

struct PngWriter::State {
  State(const std::string& path, const PngOptions& png_options) : options(png_options), pending(path) {}
  ~State() {
    png_destroy_write_struct(&png, &info);
    if (file != nullptr) std::fclose(file);
  }
  [[noreturn]] void FailNow() const {
    Fail(ErrorCode::kOutput, "{}: cannot be written: {}", pending.path(),
         errno != 0 ? std::strerror(errno) : message.c_str());
  }

  // libpng reports errors by longjmp, which must not skip destructors: the three functions below hold none.
  bool Begin() {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_init_io(png, file);
    png_set_IHDR(png, info, static_cast<png_uint_32>(options.width), static_cast<png_uint_32>(options.height),
                 8, options.channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    return true;
  }
  bool Row(const uint8_t* row) {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_write_row(png, row);
    return true;
  }
  bool End() {
    if (setjmp(png_jmpbuf(png)) != 0) return false;
    png_write_end(png, info);
    return true;
  }

  PngOptions options;
  PendingFile pending;
  std::FILE* file = nullptr;
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string message;
  int64_t rows = 0;
};

namespace {

[[noreturn]] void OnPngError(png_structp png, png_const_charp message) {
  *static_cast<std::string*>(png_get_error_ptr(png)) = message;
  png_longjmp(png, 1);
}

void OnPngWarning(png_structp, png_const_charp) {}

}  // namespace

PngWriter::PngWriter(const std::string& path, const PngOptions& options)
    : state_(std::make_unique<State>(path, options)) {
  State& s = *state_;
  errno = 0;
  s.file = std::fopen(s.pending.temporary().c_str(), "wb");
  if (s.file == nullptr) s.FailNow();
  s.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &s.message, OnPngError, OnPngWarning);
  if (s.png != nullptr) s.info = png_create_info_struct(s.png);
  if (s.info == nullptr || !s.Begin()) s.FailNow();
}

PngWriter::~PngWriter() = default;

void PngWriter::WriteRows(const uint8_t* rows, int64_t count) {
  State& s = *state_;
  errno = 0;
  for (int64_t y = 0; y < count; ++y, ++s.rows) {
    if (!s.Row(rows + y * s.options.width * s.options.channels)) s.FailNow();
  }
}

void PngWriter::Finish() {
  State& s = *state_;
  if (s.rows != s.options.height) {
    Fail(ErrorCode::kOutput, "{}: {} rows written, {} expected", s.pending.path(), s.rows, s.options.height);
  }
  errno = 0;
  if (!s.End()) s.FailNow();
  if (std::fclose(std::exchange(s.file, nullptr)) != 0) s.FailNow();
  s.pending.Commit();
}

}  // namespace swath
