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

/// The index of the source pixel in which the centre of pixel i of n lies.
int64_t Nearest(int64_t i, int64_t n, int64_t source) { return (2 * i + 1) * source / (2 * n); }

class NearestRows final : public RowSource {
 public:
  NearestRows(std::unique_ptr<RowSource> source, int64_t width, int64_t height)
      : source_(std::move(source)), width_(width), height_(height) {
    row_.resize(static_cast<size_t>(source_->width()));
    columns_.resize(static_cast<size_t>(width));
    for (int64_t x = 0; x < width; ++x) {
      columns_[static_cast<size_t>(x)] = static_cast<int32_t>(Nearest(x, width, source_->width()));
    }
  }

  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  int64_t channels() const override { return 1; }
  int64_t natural_rows() const override {
    return std::max<int64_t>(1, source_->natural_rows() * height_ / source_->height());
  }
  int64_t buffer_bytes() const override {
    return static_cast<int64_t>(row_.size() + columns_.size() * sizeof(columns_[0])) +
           source_->buffer_bytes();
  }
  const std::string& name() const override { return source_->name(); }

  void Read(Range rows, uint8_t* dst) override {
    assert(0 <= rows.begin && rows.end <= height_);
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += width_) {
      const int64_t source_y = Nearest(y, height_, source_->height());
      if (source_y != cached_y_) {
        cached_y_ = -1;
        source_->Read({source_y, source_y + 1}, row_.data());
        cached_y_ = source_y;
      }
      for (int64_t x = 0; x < width_; ++x)
        dst[x] = row_[static_cast<size_t>(columns_[static_cast<size_t>(x)])];
    }
  }

  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<NearestRows>(source_->Clone(), width_, height_);
  }

 private:
  std::unique_ptr<RowSource> source_;
  int64_t width_;
  int64_t height_;
  std::vector<uint8_t> row_;      ///< row cached_y_ of the source
  std::vector<int32_t> columns_;  ///< the source column of each column
  int64_t cached_y_ = -1;
};

std::shared_ptr<const SlideFormat> OpenLabels(const std::string& path) {
  switch (DetectContainer(path)) {
    case Container::kPng:
      return OpenPng(path);
    case Container::kTiff:
      return OpenTiff(path);
    case Container::kJpeg:
      Fail(ErrorCode::kUnsupported, "{}: a mask is a PNG or a TIFF: the labels of a JPEG are not exact",
           path);
    case Container::kOther:
      break;
  }
  Fail(ErrorCode::kInput, "{}: a mask is a PNG or a TIFF; this file is neither", path);
}

}  // namespace

std::unique_ptr<RowSource> OpenMask(const std::string& path, int64_t width, int64_t height) {
  const auto format = OpenLabels(path);
  const SlideLevel& mask = format->info().levels.front();
  // The sides' proportions agree to one pixel of either side of the mask: |mw / w - mh / h| <= 1 / min(w, h).
  const double difference = static_cast<double>(mask.width) * static_cast<double>(height) -
                            static_cast<double>(mask.height) * static_cast<double>(width);
  if (mask.width > width || mask.height > height ||
      std::abs(difference) > static_cast<double>(std::max(width, height))) {
    Fail(ErrorCode::kInput,
         "{}: the mask is {}x{}, the image {}x{}: a mask is the image shrunk by one factor", path, mask.width,
         mask.height, width, height);
  }
  auto rows = std::make_unique<LevelRows>(path, format->OpenLevel(0, Pixels::kLabels),
                                          LevelWindow{{0, mask.height}, {0, mask.width}}, Pixels::kLabels);
  if (mask.width == width && mask.height == height) return rows;
  return std::make_unique<NearestRows>(std::move(rows), width, height);
}

}  // namespace swath
