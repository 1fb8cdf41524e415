/// Masks: labels mapped onto an image by nearest centre.
#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"
#include "slide/detect.h"
#include "slide/format.h"
#include "slide/level_rows.h"

namespace swath {
namespace {

__extension__ using Int128 = __int128;

/// One direction of an image: its pixels, and the part of what the mask covers that they show, in level-0
/// pixels.
struct Axis {
  int64_t size;
  Range shown;
  int64_t covered;
  int64_t mask;  ///< pixels of the mask

  /// The pixel of the mask in which the centre of pixel i lies.
  int64_t Nearest(int64_t i) const {
    // The product of three sides needs more than 64 bits.
    const Int128 centre = Int128{2 * size} * shown.begin + Int128{2 * i + 1} * shown.size();
    return static_cast<int64_t>(centre * mask / (Int128{2 * size} * covered));
  }
  bool is_identity() const { return size == mask && shown == Range{0, covered}; }
};

/// Columns of the mask that those of an image see, in order.
std::vector<int32_t> NearestColumns(const Axis& axis) {
  std::vector<int32_t> columns;
  for (int64_t x = 0; x < axis.size; ++x) columns.push_back(static_cast<int32_t>(axis.Nearest(x)));
  return columns;
}

class NearestRows final : public RowSource {
 public:
  /// `columns` of the source, in order; only those from the first to the last of them are read.
  NearestRows(const RowSource& source, const Axis& rows, std::vector<int32_t> columns)
      : rows_(rows), columns_(std::move(columns)), mapped_(columns_.size()) {
    const int32_t first = columns_.front();
    source_ = source.CloneColumns({first, columns_.back() + 1});
    for (int32_t& column : columns_) column -= first;
    row_.resize(static_cast<size_t>(source_->width()));
  }

  int64_t width() const override { return static_cast<int64_t>(columns_.size()); }
  int64_t height() const override { return rows_.size; }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override {
    return std::max<int64_t>(1, source_->natural_rows() * rows_.size / source_->height());
  }
  int64_t buffer_bytes() const override {
    return static_cast<int64_t>(row_.size() + mapped_.size() + columns_.size() * sizeof(columns_[0])) +
           source_->buffer_bytes();
  }
  const std::string& name() const override { return source_->name(); }

  void Read(Range rows, uint8_t* dst) override {
    assert(0 <= rows.begin && rows.end <= height());
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width()) {
      const int64_t source_y = rows_.Nearest(y);
      if (source_y != cached_y_) {
        cached_y_ = -1;
        source_->Read({source_y, source_y + 1}, row_.data());
        for (size_t x = 0; x < mapped_.size(); ++x) mapped_[x] = row_[static_cast<size_t>(columns_[x])];
        cached_y_ = source_y;
      }
      std::copy(mapped_.begin(), mapped_.end(), dst);
    }
  }

  std::unique_ptr<RowSource> Clone() const override { return CloneColumns({0, width()}); }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    return std::make_unique<NearestRows>(
        *source_, rows_, std::vector(columns_.begin() + columns.begin, columns_.begin() + columns.end));
  }

 private:
  std::unique_ptr<RowSource> source_;
  Axis rows_;
  std::vector<int32_t> columns_;  ///< the source column of each column
  std::vector<uint8_t> row_;      ///< row cached_y_ of the source
  std::vector<uint8_t> mapped_;   ///< what is seen of it
  int64_t cached_y_ = -1;
};

/// Whether a mask is an image of this size, scaled by one factor: its sides' proportions agree to one pixel
/// of the coarser of the two.
bool Fits(const SlideLevel& mask, int64_t width, int64_t height) {
  const double difference = static_cast<double>(mask.width) * static_cast<double>(height) -
                            static_cast<double>(mask.height) * static_cast<double>(width);
  return std::abs(difference) <= static_cast<double>(std::max({width, height, mask.width, mask.height}));
}

/// What a mask of this size covers of the slide.
Region Covered(const std::string& path, const SlideLevel& mask, const ImagePlace& place) {
  const Region& r = place.around ? *place.around : place.region;
  const bool whole = r.width == place.slide_width && r.height == place.slide_height;
  const bool fits_slide = Fits(mask, place.slide_width, place.slide_height),
             fits_region = Fits(mask, r.width, r.height);
  const bool of_slide =
      place.mask_covers == MaskCovers::kWhatFits ? fits_slide : place.mask_covers == MaskCovers::kSlide;
  if (place.mask_covers == MaskCovers::kWhatFits && fits_slide && fits_region && !whole) {
    Fail(ErrorCode::kInput,
         "{}: the mask is {}x{} and fits the slide, {}x{}, as well as its region, {}x{}: say which in a "
         "column "
         "mask_covers, slide or region",
         path, mask.width, mask.height, place.slide_width, place.slide_height, r.width, r.height);
  }
  if (of_slide ? !fits_slide : !fits_region) {
    Fail(ErrorCode::kInput,
         "{}: the mask is {}x{}, the slide {}x{}{}: a mask is the slide{} scaled by one factor", path,
         mask.width, mask.height, place.slide_width, place.slide_height,
         whole ? "" : fmt::format(", its region {}x{}", r.width, r.height), whole ? "" : ", or the region,");
  }
  return of_slide ? Region{0, 0, place.slide_width, place.slide_height} : r;
}

}  // namespace

std::shared_ptr<const SlideFormat> OpenLabelFormat(const std::string& path) {
  switch (DetectContainer(path)) {
    case Container::kPng:
      return OpenPng(path);
    case Container::kTiff:
      return OpenTiff(path);
    case Container::kNpy:
      return OpenNpyMask(path);
    case Container::kJpeg:
      Fail(ErrorCode::kUnsupported,
           "{}: a mask is a PNG, a TIFF or a .npy: the labels of a JPEG are not exact", path);
    case Container::kDicom:
    case Container::kOther:
      break;
  }
  Fail(ErrorCode::kInput, "{}: a mask is a PNG, a TIFF or a .npy; this file is none of them", path);
}

ImagePlace PlaceOfWhole(const SlideLevel& slide, int64_t width, int64_t height) {
  return {.width = width,
          .height = height,
          .slide_width = slide.width,
          .slide_height = slide.height,
          .region = {0, 0, slide.width, slide.height}};
}

Region MaskRegion(const std::string& path, const ImagePlace& place) {
  return Covered(path, MaskSize(path), place);
}

SlideLevel MaskSize(const std::string& path) { return OpenLabelFormat(path)->info().levels.front(); }

std::unique_ptr<RowSource> OpenMask(const std::string& path, const ImagePlace& place) {
  const auto format = OpenLabelFormat(path);
  const SlideLevel& mask = format->info().levels.front();
  const Region covered = Covered(path, mask, place), &shown = place.region;
  auto rows = std::make_unique<LevelRows>(path, format->OpenLevel(0, Pixels::kLabels),
                                          LevelWindow{{0, mask.height}, {0, mask.width}}, Pixels::kLabels);
  const int64_t x = shown.x - covered.x, y = shown.y - covered.y;
  const Axis vertical{place.height, {y, y + shown.height}, covered.height, mask.height};
  const Axis horizontal{place.width, {x, x + shown.width}, covered.width, mask.width};
  if (vertical.is_identity() && horizontal.is_identity()) return rows;
  return std::make_unique<NearestRows>(*rows, vertical, NearestColumns(horizontal));
}

std::unique_ptr<RowSource> OpenMask(const std::string& path, int64_t width, int64_t height) {
  return OpenMask(path, PlaceOfWhole({.width = width, .height = height}, width, height));
}

}  // namespace swath
