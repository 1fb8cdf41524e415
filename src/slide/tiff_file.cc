#include "slide/tiff_file.h"

#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <string_view>

#include "base/error.h"
#include "slide/format.h"

namespace swath {
namespace {

/// No table of tile offsets nor codec buffer of an honest slide needs more in one piece.
constexpr tmsize_t kMaxAllocation = tmsize_t{256} << 20;

/// libtiff ignores a damaged tag, or patches it up, with a warning. Without one of these the pixels would be
/// others.
constexpr std::array kTagsThatMakePixels = {
    "ImageWidth",          "ImageLength",      "BitsPerSample", "SamplesPerPixel",
    "Compression",         "ColorMap",         "Colormap",      "PhotometricInterpretation",
    "PlanarConfiguration", "Predictor",        "FillOrder",     "ExtraSamples",
    "SampleFormat",        "YCbCrSubsampling", "TileWidth",     "TileLength",
    "TileOffsets",         "TileByteCounts",   "JPEGTables",    "RowsPerStrip",
    "StripOffsets",        "StripByteCounts",  "Orientation",   "SubIFD"};

std::string Format(const char* format, va_list arguments) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  return text;
}

int OnError(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  auto& report = *static_cast<TiffFile::Report*>(user);
  if (report.error.empty()) report.error = Format(format, arguments);
  return 1;
}

/// libjpeg goes on after lost data, with grey pixels and a warning.
int OnWarning(TIFF*, void* user, const char* module, const char* format, va_list arguments) {
  auto& report = *static_cast<TiffFile::Report*>(user);
  const std::string text = Format(format, arguments);
  const auto has = [&text](std::string_view part) { return text.find(part) != std::string::npos; };
  if (module != nullptr && std::string_view(module) == "JPEGLib") {
    const bool lost = has("Premature end") || (has("Corrupt JPEG data") && !has("extraneous bytes"));
    if (lost && report.data_warning.empty()) report.data_warning = text;
  }
  for (const std::string tag : kTagsThatMakePixels) {
    if (has('"' + tag + '"')) report.tag_warning = text;
  }
  return 1;
}

TIFF* OpenHandle(const std::string& path, TiffFile::Report* report) {
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  if (options == nullptr) return nullptr;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, kMaxAllocation);
  TIFFOpenOptionsSetErrorHandlerExtR(options, OnError, report);
  TIFFOpenOptionsSetWarningHandlerExtR(options, OnWarning, report);
  TIFF* handle = TIFFOpenExt(path.c_str(), "rm", options);  // m: do not map the file into memory
  TIFFOpenOptionsFree(options);
  return handle;
}

}  // namespace

TiffFile::TiffFile(const std::string& path) : path_(path), handle_(OpenHandle(path, &report_)) {
  if (handle_ == nullptr) Fail("not a readable TIFF");
}

TiffFile::~TiffFile() { TIFFClose(handle_); }

void TiffFile::GoTo(uint64_t page_offset) {
  report_ = {};
  if (TIFFSetSubDirectory(handle_, page_offset) == 0) Fail(fmt::format("no page at byte {}", page_offset));
}

bool TiffFile::GoToNext() {
  if (TIFFLastDirectory(handle_) != 0) return false;
  report_ = {};
  if (TIFFReadDirectory(handle_) == 0) Fail("a page is damaged, or the pages form a loop");
  return true;
}

void TiffFile::ReadTile(uint32_t index, uint8_t* dst, int64_t bytes) {
  report_.error.clear();
  report_.data_warning.clear();
  Finish(TIFFReadEncodedTile(handle_, index, dst, bytes), bytes, "tile", index);
}

void TiffFile::ReadStoredTile(uint32_t index, std::vector<uint8_t>* stored) {
  report_.error.clear();
  report_.data_warning.clear();
  const uint64_t bytes = TIFFGetStrileByteCount(handle_, index);
  if (bytes > static_cast<uint64_t>(std::min(size(), kMaxTileBytes)))
    Fail(fmt::format("tile {} has {} bytes", index, bytes));
  stored->resize(bytes);
  Finish(TIFFReadRawTile(handle_, index, stored->data(), static_cast<tmsize_t>(bytes)),
         static_cast<int64_t>(bytes), "tile", index);
}

void TiffFile::ReadStrip(uint32_t index, uint8_t* dst, int64_t bytes) {
  report_.error.clear();
  report_.data_warning.clear();
  Finish(TIFFReadEncodedStrip(handle_, index, dst, bytes), bytes, "strip", index);
}

void TiffFile::Finish(int64_t read, int64_t bytes, const char* unit, uint32_t index) const {
  if (read < 0 || !report_.error.empty()) Fail(fmt::format("{} {} cannot be decoded", unit, index));
  if (read != bytes) Fail(fmt::format("{} {} holds {} bytes, expected {}", unit, index, read, bytes));
  if (!report_.data_warning.empty()) {
    swath::Fail(ErrorCode::kInput, "{}: {} {} is damaged: {}", path_, unit, index, report_.data_warning);
  }
}

void TiffFile::CheckTags() const {
  if (!report_.tag_warning.empty()) swath::Fail(ErrorCode::kInput, "{}: {}", path_, report_.tag_warning);
}

std::string TiffFile::Description() const {
  const char* text = nullptr;
  return TIFFGetField(handle_, TIFFTAG_IMAGEDESCRIPTION, &text) != 0 ? text : "";
}

int64_t TiffFile::size() const {
  return static_cast<int64_t>(TIFFGetSizeProc(handle_)(TIFFClientdata(handle_)));
}

void TiffFile::Fail(const std::string& what) const {
  if (report_.error.empty()) swath::Fail(ErrorCode::kInput, "{}: {}", path_, what);
  swath::Fail(ErrorCode::kInput, "{}: {}: {}", path_, what, report_.error);
}

}  // namespace swath
