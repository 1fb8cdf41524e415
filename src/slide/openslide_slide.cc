/// The formats of OpenSlide.
#include <openslide.h>
#include <tiffio.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "slide/blend.h"
#include "slide/format.h"
#include "slide/tiff_blocks.h"
#include "slide/tiff_slide.h"

namespace swath {
namespace {

using Handle = std::shared_ptr<openslide_t>;

/// OpenSlide 3.4 has a cache of this size a handle.
constexpr int64_t kOpenSlideCacheBytes = int64_t{32} << 20;

/// OpenSlide clears the buffer on an error and stays in error: ask after every read.
void Check(const std::string& path, openslide_t* slide) {
  const char* error = openslide_get_error(slide);
  if (error != nullptr) Fail(ErrorCode::kInput, "{}: OpenSlide: {}", path, error);
}

std::optional<std::string> Property(openslide_t* slide, const std::string& name) {
  const char* value = openslide_get_property_value(slide, name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<int64_t> Integer(openslide_t* slide, const std::string& name) {
  const auto text = Property(slide, name);
  return text ? std::optional<int64_t>(std::strtoll(text->c_str(), nullptr, 10)) : std::nullopt;
}

std::optional<double> Number(openslide_t* slide, const char* name) {
  const auto text = Property(slide, name);
  const double value = text ? std::strtod(text->c_str(), nullptr) : NAN;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::optional<double> PixelSize(openslide_t* slide, const char* name) {
  const auto value = Number(slide, name);
  return value > 0.0 ? value : std::nullopt;
}

/// Reads ARGB in pieces, so that its scratch does not grow with the width.
class OpenSlideBlocks final : public BlockReader {
 public:
  OpenSlideBlocks(Handle slide, const SlideInfo& info, int level, Pixels pixels)
      : slide_(std::move(slide)),
        path_(info.path),
        background_(info.background),
        index_(level),
        pixels_(pixels) {
    const SlideLevel& size = info.levels[static_cast<size_t>(level)];
    width_ = size.width;
    height_ = size.height;
    downsample_ = openslide_get_level_downsample(slide_.get(), level);
    // Whole rows of tiles, so that each tile is decoded once; several where they are thin, fewer rows where
    // one is huge.
    constexpr int64_t kFewRows = 64;
    constexpr int64_t kManyRows = 1024;
    block_rows_ =
        (std::max(kFewRows, size.tile_height) + size.tile_height - 1) / size.tile_height * size.tile_height;
    block_rows_ = std::min({block_rows_, kManyRows, height_});
    constexpr int64_t kPieceWidth = 4096;
    piece_ = std::max<int64_t>(1, kPieceWidth / size.tile_width) * std::min(size.tile_width, kPieceWidth);
  }

  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  int64_t block_rows() const override { return block_rows_; }
  int64_t buffer_bytes() const override {
    return std::min(piece_, width_) * block_rows_ * static_cast<int64_t>(sizeof(uint32_t)) +
           (owns_cache_ ? kOpenSlideCacheBytes : 0);
  }

  void Read(int64_t block, Range columns, uint8_t* dst) override {
    const int64_t top = block * block_rows_;
    const int64_t rows = std::min(block_rows_, height_ - top);
    argb_.resize(static_cast<size_t>(std::min(piece_, width_) * rows));
    const int64_t channels = Channels(pixels_);
    for (int64_t left = columns.begin; left < columns.end;) {
      const int64_t right = std::min((left / piece_ + 1) * piece_, columns.end);
      openslide_read_region(slide_.get(), argb_.data(), ToLevel0(left), ToLevel0(top), index_, right - left,
                            rows);
      Check(path_, slide_.get());
      for (int64_t y = 0; y < rows; ++y) {
        Convert(argb_.data() + y * (right - left), right - left,
                dst + (y * columns.size() + left - columns.begin) * channels);
      }
      left = right;
    }
  }

  /// The handle and its cache are shared: OpenSlide lets any number of threads read.
  std::unique_ptr<BlockReader> Clone() const override {
    auto clone = std::unique_ptr<OpenSlideBlocks>(new OpenSlideBlocks(*this));
    clone->owns_cache_ = false;
    return clone;
  }

 private:
  OpenSlideBlocks(const OpenSlideBlocks&) = default;

  int64_t ToLevel0(int64_t i) const { return std::llround(static_cast<double>(i) * downsample_); }

  void Convert(const uint32_t* src, int64_t count, uint8_t* dst) const {
    for (int64_t x = 0; x < count; ++x) {
      const uint32_t pixel = src[x];
      const int alpha = static_cast<int>(pixel >> 24);
      if (pixels_ == Pixels::kExistence) {
        *dst++ = alpha != 0 ? 255 : 0;
        continue;
      }
      for (int c = 0; c < 3; ++c) {
        const int colour = static_cast<int>(pixel >> (16 - 8 * c) & 255);
        *dst++ = BlendPremultiplied(colour, alpha, background_[static_cast<size_t>(c)]);
      }
    }
  }

  Handle slide_;
  std::string path_;
  std::array<uint8_t, 3> background_;
  int index_;
  Pixels pixels_;
  int64_t width_ = 0;
  int64_t height_ = 0;
  double downsample_ = 1;
  int64_t block_rows_ = 0;
  int64_t piece_ = 0;  ///< columns read at once
  bool owns_cache_ = true;
  std::vector<uint32_t> argb_;
};

/// OpenSlide calls libtiff, which prints its warnings and errors unless told otherwise; OpenSlide reports its
/// own.
void SilenceLibtiff() {
  static std::once_flag once;
  std::call_once(once, [] {
    TIFFSetWarningHandler(nullptr);
    TIFFSetErrorHandler(nullptr);
  });
}

class OpenSlideSlide final : public SlideFormat {
 public:
  OpenSlideSlide(const std::string& path, const std::string& vendor) {
    slide_ = Handle(openslide_open(path.c_str()), [](openslide_t* slide) {
      if (slide != nullptr) openslide_close(slide);
    });
    if (slide_ == nullptr)
      Fail(ErrorCode::kInput, "{}: looks like {}, but OpenSlide cannot open it", path, vendor);
    Check(path, slide_.get());
    info_.path = path;
    info_.format = vendor;
    info_.vendor = vendor;
    info_.decoder = "openslide";
    ReadLevels();
    ReadProperties();
    if (vendor == "aperio") UseLibtiff();
  }

  std::unique_ptr<BlockReader> OpenLevel(int level, Pixels pixels) const override {
    if (!pages_.empty()) {
      return std::make_unique<TiffBlocks>(info_.path, pages_[static_cast<size_t>(level)], pixels);
    }
    return std::make_unique<OpenSlideBlocks>(slide_, info_, level, pixels);
  }

  bool may_have_holes() const override { return pages_.empty(); }

 private:
  void ReadLevels() {
    const int count = openslide_get_level_count(slide_.get());
    for (int i = 0; i < count; ++i) {
      constexpr int64_t kNoTiles = 256;
      SlideLevel level;
      openslide_get_level_dimensions(slide_.get(), i, &level.width, &level.height);
      level.downsample = openslide_get_level_downsample(slide_.get(), i);
      const std::string prefix = fmt::format("openslide.level[{}].tile-", i);
      level.tile_width = std::max<int64_t>(1, Integer(slide_.get(), prefix + "width").value_or(kNoTiles));
      level.tile_height = std::max<int64_t>(1, Integer(slide_.get(), prefix + "height").value_or(kNoTiles));
      if (level.width < 1 || level.height < 1) {
        Fail(ErrorCode::kInput, "{}: level {} is {}x{}", info_.path, i, level.width, level.height);
      }
      info_.levels.push_back(level);
    }
    Check(info_.path, slide_.get());
    if (info_.levels.empty()) Fail(ErrorCode::kInput, "{}: the slide has no levels", info_.path);
  }

  void ReadProperties() {
    openslide_t* slide = slide_.get();
    const SlideLevel& whole = info_.levels.front();
    info_.mpp_x = PixelSize(slide, OPENSLIDE_PROPERTY_NAME_MPP_X);
    info_.mpp_y = PixelSize(slide, OPENSLIDE_PROPERTY_NAME_MPP_Y);
    info_.bounds = {Integer(slide, OPENSLIDE_PROPERTY_NAME_BOUNDS_X).value_or(0),
                    Integer(slide, OPENSLIDE_PROPERTY_NAME_BOUNDS_Y).value_or(0),
                    Integer(slide, OPENSLIDE_PROPERTY_NAME_BOUNDS_WIDTH).value_or(whole.width),
                    Integer(slide, OPENSLIDE_PROPERTY_NAME_BOUNDS_HEIGHT).value_or(whole.height)};
    const auto x = Number(slide, "hamamatsu.XOffsetFromSlideCentre"),
               y = Number(slide, "hamamatsu.YOffsetFromSlideCentre");
    if (x && y) info_.centre_offset = {*x, *y};
    for (const char* const* name = openslide_get_associated_image_names(slide); *name != nullptr; ++name) {
      info_.associated.emplace_back(*name);
    }
    if (const auto colour = Property(slide, OPENSLIDE_PROPERTY_NAME_BACKGROUND_COLOR)) {
      const auto rgb = std::strtoul(colour->c_str(), nullptr, 16);
      for (int c = 0; c < 3; ++c)
        info_.background[static_cast<size_t>(c)] = static_cast<uint8_t>(rgb >> (16 - 8 * c));
    }
  }

  /// Levels stored as plain JPEG tiles are decoded by libtiff: the same pixels, several times as fast. Those
  /// of JPEG 2000 are, too: OpenSlide shows tiles that are cut off.
  void UseLibtiff() {
    std::vector<TiffPage> stored;
    try {
      stored = ReadTiffPages(info_.path).pages;
    } catch (const Error&) {
      return;  // what libtiff finds odd on some page may not matter to OpenSlide
    }
    std::vector<TiffPage> levels;
    for (const SlideLevel& level : info_.levels) {
      const auto page = std::find_if(stored.begin(), stored.end(), [&level](const TiffPage& p) {
        return p.tiled && (p.jpeg || p.jp2k) && !p.has_empty_tiles && p.refusal.empty() &&
               p.orientation.is_upright() && p.width == level.width && p.height == level.height;
      });
      if (page == stored.end()) return;
      levels.push_back(*page);
    }
    pages_ = std::move(levels);
    info_.decoder = pages_.front().jp2k ? "openjpeg" : "libtiff";
  }

  Handle slide_;
  std::vector<TiffPage> pages_;  ///< of the levels, if libtiff reads them
};

}  // namespace

std::string OpenSlideVendor(const std::string& path) {
  SilenceLibtiff();
  const char* vendor = openslide_detect_vendor(path.c_str());
  return vendor == nullptr || std::strcmp(vendor, "generic-tiff") == 0 ? "" : vendor;
}

std::shared_ptr<const SlideFormat> OpenOpenSlide(const std::string& path, const std::string& vendor) {
  return std::make_shared<OpenSlideSlide>(path, vendor);
}

}  // namespace swath
