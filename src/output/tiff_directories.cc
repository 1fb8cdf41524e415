#include "output/tiff_directories.h"

#include <tiffio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "output/tile_encoder.h"

namespace swath {

struct TiffDirectories::State {
  std::string name;
  std::string message;  ///< what libtiff last complained of
  TIFF* tiff = nullptr;
};

namespace {

// Returning non-zero keeps libtiff from also printing the message.
int OnTiffError(TIFF*, void* user_data, const char*, const char* format, va_list arguments) {
  char text[512];
  std::vsnprintf(text, sizeof text, format, arguments);
  *static_cast<std::string*>(user_data) = text;
  return 1;
}

int OnTiffWarning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

}  // namespace

TiffDirectories::TiffDirectories(const std::string& file, std::string name)
    : state_(std::make_unique<State>()) {
  state_->name = std::move(name);
  TIFFOpenOptions* options = TIFFOpenOptionsAlloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options, OnTiffError, &state_->message);
  TIFFOpenOptionsSetWarningHandlerExtR(options, OnTiffWarning, nullptr);
  errno = 0;
  state_->tiff = TIFFOpenExt(file.c_str(), "w8m", options);
  const int error = errno;
  TIFFOpenOptionsFree(options);
  if (state_->tiff == nullptr) {
    Fail(ErrorCode::kOutput, "{}: cannot be created: {}", state_->name,
         error != 0 ? std::strerror(error) : state_->message);
  }
}

TiffDirectories::~TiffDirectories() {
  if (state_->tiff != nullptr) TIFFClose(state_->tiff);
}

void TiffDirectories::Begin(const TiffDirectory& directory) {
  TIFF* tiff = state_->tiff;
  const bool colour = directory.format == TileFormat::kJpegYCbCr;
  const bool floats = directory.format == TileFormat::kDeflateFloat32;
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, directory.reduced ? FILETYPE_REDUCEDIMAGE : 0);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, static_cast<uint32_t>(directory.width));
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, static_cast<uint32_t>(directory.height));
  TIFFSetField(tiff, TIFFTAG_TILEWIDTH, static_cast<uint32_t>(kTileSide));
  TIFFSetField(tiff, TIFFTAG_TILELENGTH, static_cast<uint32_t>(kTileSide));
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, floats ? 32 : 8);
  if (floats) TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_IEEEFP);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, colour ? 3 : 1);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, colour ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, colour ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_MINISBLACK);
  TIFFSetField(tiff, TIFFTAG_SOFTWARE, "Swath");
  if (colour) {
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, 2, 2);
    TIFFSetField(tiff, TIFFTAG_JPEGTABLES, static_cast<uint32_t>(directory.jpeg_tables.size()),
                 directory.jpeg_tables.data());
  }
  if (directory.mpp_x > 0 && directory.mpp_y > 0) {
    constexpr double kMicrometresPerCentimetre = 10000;
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, kMicrometresPerCentimetre / directory.mpp_x);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, kMicrometresPerCentimetre / directory.mpp_y);
  }
  if (directory.children > 0) {  // libtiff fills in where they are as it writes them
    const std::vector<uint64_t> unknown(directory.children, 0);
    TIFFSetField(tiff, TIFFTAG_SUBIFD, directory.children, unknown.data());
  }
  if (!directory.description.empty()) {
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, directory.description.c_str());
  }
}

void TiffDirectories::WriteTile(int64_t index, std::vector<uint8_t>& bytes) {
  errno = 0;
  if (TIFFWriteRawTile(state_->tiff, static_cast<uint32_t>(index), bytes.data(),
                       static_cast<tmsize_t>(bytes.size())) < 0) {
    Fail(ErrorCode::kOutput, "{}: tile {} cannot be written: {}", state_->name, index,
         errno != 0 ? std::strerror(errno) : state_->message);
  }
}

void TiffDirectories::End() {
  errno = 0;
  if (TIFFWriteDirectory(state_->tiff) == 0) {
    Fail(ErrorCode::kOutput, "{}: its directory cannot be written: {}", state_->name,
         errno != 0 ? std::strerror(errno) : state_->message);
  }
}

void TiffDirectories::Close() {
  // TIFFClose() tells nobody whether its last writes arrived.
  const int copy = dup(TIFFFileno(state_->tiff));
  state_->message.clear();
  TIFFClose(std::exchange(state_->tiff, nullptr));
  const bool good = copy >= 0 && close(copy) == 0;
  if (!good || !state_->message.empty()) {
    Fail(ErrorCode::kOutput, "{}: cannot be closed: {}", state_->name,
         good ? state_->message : std::strerror(errno));
  }
}

}  // namespace swath
