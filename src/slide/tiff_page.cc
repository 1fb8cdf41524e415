#include "slide/tiff_page.h"

#include <tiffio.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "slide/format.h"

namespace swath {
namespace {

uint16_t Tag(TIFF* tiff, uint32_t tag) {
  uint16_t value = 0;
  TIFFGetFieldDefaulted(tiff, tag, &value);
  return value;
}

/// Numbers for JPEG 2000: Aperio's for YCbCr and RGB, libvips's (YCbCr, whatever the tags say), and a general
/// one.
constexpr uint16_t kAperioYcbcr = 33003;
constexpr uint16_t kVips = 33004;
constexpr uint16_t kAperioRgb = 33005;
constexpr uint16_t kJp2000 = 34712;

bool IsJp2k(uint16_t compression) {
  return compression == kAperioYcbcr || compression == kVips || compression == kAperioRgb ||
         compression == kJp2000;
}

bool CanDecode(uint16_t compression) {
  constexpr std::array kDecoded = {COMPRESSION_NONE,      COMPRESSION_CCITTRLE,      COMPRESSION_CCITTFAX3,
                                   COMPRESSION_CCITTFAX4, COMPRESSION_LZW,           COMPRESSION_JPEG,
                                   COMPRESSION_DEFLATE,   COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS,
                                   COMPRESSION_LZMA,      COMPRESSION_ZSTD,          COMPRESSION_WEBP};
  return std::find(kDecoded.begin(), kDecoded.end(), compression) != kDecoded.end() &&
         TIFFIsCODECConfigured(compression) != 0;
}

/// Resolution tags of pictures made for paper (72 to 1200 dots an inch) say nothing about a specimen.
std::optional<double> Mpp(TIFF* tiff, uint32_t tag) {
  constexpr double kCoarsestMpp = 20;
  float resolution = 0;
  if (TIFFGetField(tiff, tag, &resolution) == 0 || !(resolution > 0)) return std::nullopt;
  const uint16_t unit = Tag(tiff, TIFFTAG_RESOLUTIONUNIT);
  if (unit != RESUNIT_CENTIMETER && unit != RESUNIT_INCH) return std::nullopt;
  const double mpp = (unit == RESUNIT_CENTIMETER ? 10000.0 : 25400.0) / static_cast<double>(resolution);
  return mpp < kCoarsestMpp ? std::optional(mpp) : std::nullopt;
}

/// The colour model, and the alpha channel if there is one; a reason if Swath does not read it.
std::string ReadColour(TIFF* tiff, TiffPage& page) {
  int colours = 1;
  const uint16_t photometric = Tag(tiff, TIFFTAG_PHOTOMETRIC);
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
      page.colour = TiffColour::kInvertedGrey;
      break;
    case PHOTOMETRIC_MINISBLACK:
      page.colour = TiffColour::kGrey;
      break;
    case PHOTOMETRIC_PALETTE:
      page.colour = TiffColour::kPalette;
      break;
    case PHOTOMETRIC_YCBCR:
      if ((!page.jpeg && !page.jp2k) || page.separate_planes) return "YCbCr samples that are not JPEG";
      [[fallthrough]];
    case PHOTOMETRIC_RGB:
      page.colour = TiffColour::kRgb;
      colours = 3;
      break;
    case PHOTOMETRIC_SEPARATED:
      return "inks (CMYK): their colours depend on a printer's profile";
    default:
      return fmt::format("photometric interpretation {}", photometric);
  }
  if (page.samples == colours) return {};
  uint16_t count = 0;
  uint16_t* kinds = nullptr;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &count, &kinds);
  if (page.samples == colours + 1 && count == 1 && kinds != nullptr && page.colour != TiffColour::kPalette) {
    if (kinds[0] == EXTRASAMPLE_ASSOCALPHA) page.alpha = TiffAlpha::kPremultiplied;
    if (kinds[0] == EXTRASAMPLE_UNASSALPHA) page.alpha = TiffAlpha::kStraight;
  }
  if (page.alpha != TiffAlpha::kNone) return {};
  return fmt::format("{} samples a pixel where its colours need {}", page.samples, colours);
}

std::string ReadPalette(TIFF* tiff, TiffPage& page) {
  uint16_t* maps[3] = {};
  if (TIFFGetField(tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2]) == 0)
    return "a palette without colours";
  const size_t count = size_t{1} << page.bits;
  // Some writers store 8-bit colours in the 16-bit table.
  bool wide = false;
  for (const uint16_t* map : maps)
    wide = wide || std::any_of(map, map + count, [](uint16_t v) { return v > 255; });
  for (size_t i = 0; i < count; ++i) {
    for (const uint16_t* map : maps) {
      page.palette.push_back(static_cast<uint8_t>(wide ? (map[i] + 128) / 257 : map[i]));
    }
  }
  return {};
}

std::string ReadSamples(TIFF* tiff, TiffPage& page) {
  page.bits = Tag(tiff, TIFFTAG_BITSPERSAMPLE);
  page.samples = Tag(tiff, TIFFTAG_SAMPLESPERPIXEL);
  page.separate_planes = page.samples > 1 && Tag(tiff, TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
  const uint16_t compression = Tag(tiff, TIFFTAG_COMPRESSION);
  page.jpeg = compression == COMPRESSION_JPEG;
  page.jp2k = IsJp2k(compression);
  page.ycbcr = compression == kAperioYcbcr || compression == kVips ||
               (compression == kJp2000 && Tag(tiff, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_YCBCR);
  if (page.jp2k &&
      (TIFFIsTiled(tiff) == 0 || page.separate_planes || (page.samples != 1 && page.samples != 3)))
    return fmt::format("JPEG 2000 in {} of {} samples (only in tiles of 1 or 3)",
                       TIFFIsTiled(tiff) == 0 ? "strips" : "tiles", page.samples);
  if (!page.jp2k && !CanDecode(compression)) return fmt::format("compression {}", compression);
  const uint16_t format = Tag(tiff, TIFFTAG_SAMPLEFORMAT);
  // No tag (0) and "void" mean unsigned integers.
  if (format != 0 && format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
    return "samples that are signed, floating or complex";
  const bool packed = page.bits == 1 || page.bits == 2 || page.bits == 4;
  if (page.bits != 8 && !(packed && page.samples == 1 && !page.jpeg && !page.jp2k)) {
    return fmt::format("{} samples of {} bits a pixel (its own have 8: choose how to reduce the range)",
                       page.samples, page.bits);
  }
  page.orientation = TiffOrientation(Tag(tiff, TIFFTAG_ORIENTATION));
  auto reason = ReadColour(tiff, page);
  if (reason.empty() && page.colour == TiffColour::kPalette) reason = ReadPalette(tiff, page);
  return reason;
}

/// Tile or strip sizes. libtiff answers for JPEG only after it is told to give RGB.
void ReadLayout(TiffFile& file, TiffPage& page) {
  TIFF* tiff = file.handle();
  page.tiled = TIFFIsTiled(tiff) != 0;
  uint32_t tile_width = static_cast<uint32_t>(page.width);
  uint32_t tile_height = 0;
  if (page.tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &tile_height);
    tile_height = static_cast<uint32_t>(std::min<int64_t>(tile_height, page.height));
  }
  page.tile_width = tile_width;
  page.tile_height = tile_height;
  if (tile_width == 0 || tile_height == 0)
    file.Fail(fmt::format("tiles of {}x{} pixels", tile_width, tile_height));
  if (!page.refusal.empty()) return;
  const int64_t row_samples = page.tile_width * (page.separate_planes ? 1 : page.samples);
  const int64_t row_bytes = (row_samples * page.bits + 7) / 8;
  if (row_bytes > kMaxTileBytes / page.tile_height) {
    page.refusal =
        fmt::format("{}s of {}x{} pixels (at most {} MiB when decoded)", page.tiled ? "tile" : "strip",
                    page.tile_width, page.tile_height, kMaxTileBytes >> 20);
    return;
  }
  if (page.orientation.stored_rows_are_columns() && !page.tiled && row_bytes > kMaxTileBytes / page.height) {
    page.refusal = fmt::format(
        "orientation {} of {}x{} pixels in strips (rows are columns: at most {} MiB when decoded)",
        page.orientation.tag(), page.width, page.height, kMaxTileBytes >> 20);
    return;
  }
  page.tile_bytes = row_bytes * page.tile_height;
  const auto libtiff_bytes = static_cast<int64_t>(page.tiled ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff));
  if (libtiff_bytes != page.tile_bytes) {
    file.Fail(fmt::format("tiles of {} bytes, expected {}", libtiff_bytes, page.tile_bytes));
  }
}

/// The largest tile or strip as stored, and whether some tiles are missing from the file: no place and no
/// bytes.
void ReadTable(TIFF* tiff, TiffPage& page) {
  const uint32_t count = page.tiled ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t bytes = TIFFGetStrileByteCount(tiff, i);
    page.stored_bytes = std::max<int64_t>(page.stored_bytes, static_cast<int64_t>(bytes));
    if (!page.tiled || bytes != 0) continue;
    page.has_empty_tiles = true;
    if (TIFFGetStrileOffset(tiff, i) == 0) page.sparse = true;
  }
}

}  // namespace

TiffPage ReadTiffPage(TiffFile& file) {
  TIFF* tiff = file.handle();
  TiffPage page;
  page.offset = TIFFCurrentDirOffset(tiff);
  uint32_t width = 0;
  uint32_t height = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  if (width == 0 || height == 0) file.Fail(fmt::format("a page of {}x{} pixels", width, height));
  page.width = width;
  page.height = height;
  uint32_t kind = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &kind);
  page.reduced = (kind & FILETYPE_REDUCEDIMAGE) != 0;
  page.refusal = ReadSamples(tiff, page);
  if (page.refusal.empty() && page.jpeg && page.colour == TiffColour::kRgb &&
      Tag(tiff, TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_YCBCR) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  }
  ReadLayout(file, page);
  if (page.refusal.empty()) ReadTable(tiff, page);
  file.CheckTags();
  page.mpp_x = Mpp(tiff, TIFFTAG_XRESOLUTION);
  page.mpp_y = Mpp(tiff, TIFFTAG_YRESOLUTION);
  uint16_t count = 0;
  uint64_t* children = nullptr;
  if (TIFFGetField(tiff, TIFFTAG_SUBIFD, &count, &children) != 0)
    page.children.assign(children, children + count);
  return page;
}

}  // namespace swath
