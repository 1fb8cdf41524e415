/// Columns as rows, by way of a temporary file.
#include <algorithm>
#include <cassert>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "base/error.h"
#include "base/unnamed_file.h"
#include "swath/augment.h"

namespace swath {
namespace {

/// Source rows that lie together in the file, and columns that are written or read at once.
constexpr int64_t kBand = 128;
constexpr int64_t kColumns = 16;

/// Columns of rows of `width` pixels as rows.
template <int64_t kChannels>
void Turn(const uint8_t* rows, int64_t width, Range columns, int64_t height, uint8_t* dst) {
  for (int64_t x = columns.begin; x < columns.end; ++x) {
    const uint8_t* src = rows + x * kChannels;
    for (int64_t y = 0; y < height; ++y, src += width * kChannels) {
      for (int64_t c = 0; c < kChannels; ++c) *dst++ = src[c];
    }
  }
}

/// The pixels of an image in a file, [band, column, row in the band, channel], for several readers.
class PixelsByColumn {
 public:
  explicit PixelsByColumn(std::unique_ptr<RowSource> source)
      : source_(std::move(source)),
        name_(source_->name()),
        width_(source_->width()),
        height_(source_->height()),
        pixel_(source_->channels()),
        buffer_bytes_(source_->buffer_bytes() + kBand * width_ * pixel_ + strip_bytes()) {
    assert(source_->sample_type() == SampleType::kUint8 && (pixel_ == 1 || pixel_ == 3));
  }

  const std::string& name() const { return name_; }
  int64_t width() const { return width_; }
  int64_t height() const { return height_; }
  int64_t channels() const { return pixel_; }
  /// What is held for all readers together, while the file is written.
  int64_t buffer_bytes() const { return buffer_bytes_; }
  /// Of one strip of columns in a band.
  int64_t strip_bytes() const { return kColumns * kBand * pixel_; }

  /// Up to kColumns columns, [column, row, channel]. From any thread; `strip` is scratch of strip_bytes().
  void Read(Range columns, uint8_t* strip, uint8_t* dst) {
    {
      // Whoever comes first writes the file, the others wait.
      const std::lock_guard lock(mutex_);
      if (!file_) Write();
    }
    for (int64_t y = 0; y < height_; y += kBand) {
      const Range band = BandAt(y);
      file_->Read(Offset(band, columns.begin), strip, columns.size() * band.size() * pixel_);
      for (int64_t i = 0; i < columns.size(); ++i) {
        std::memcpy(dst + (i * height_ + y) * pixel_, strip + i * band.size() * pixel_,
                    static_cast<size_t>(band.size() * pixel_));
      }
    }
  }

 private:
  Range BandAt(int64_t y) const { return {y, std::min(y + kBand, height_)}; }
  int64_t Offset(Range band, int64_t column) const {
    return (band.begin * width_ + column * band.size()) * pixel_;
  }

  void Write() {
    auto file = std::make_unique<UnnamedFile>(name_, "columns", width_ * height_ * pixel_);
    std::vector<uint8_t> rows(static_cast<size_t>(kBand * width_ * pixel_)),
        strip(static_cast<size_t>(strip_bytes()));
    for (int64_t y = 0; y < height_; y += kBand) {
      const Range band = BandAt(y);
      source_->Read(band, rows.data());
      for (int64_t x = 0; x < width_; x += kColumns) {
        const Range columns{x, std::min(x + kColumns, width_)};
        if (pixel_ == 3) {
          Turn<3>(rows.data(), width_, columns, band.size(), strip.data());
        } else {
          Turn<1>(rows.data(), width_, columns, band.size(), strip.data());
        }
        file->Write(Offset(band, x), strip.data(), columns.size() * band.size() * pixel_);
      }
    }
    source_.reset();  // its buffers are of no use any more
    file_ = std::move(file);
  }

  std::unique_ptr<RowSource> source_;
  std::string name_;
  int64_t width_, height_, pixel_;
  int64_t buffer_bytes_;
  std::mutex mutex_;
  std::unique_ptr<UnnamedFile> file_;  ///< null until it is complete
};

class TransposedRows final : public RowSource {
 public:
  TransposedRows(std::shared_ptr<PixelsByColumn> pixels, int64_t shared_bytes)
      : pixels_(std::move(pixels)), shared_bytes_(shared_bytes) {}

  int64_t width() const override { return pixels_->height(); }
  int64_t height() const override { return pixels_->width(); }
  int64_t channels() const override { return pixels_->channels(); }
  int64_t natural_rows() const override { return std::min(kColumns, height()); }
  /// What is held for all counts for the first reader only.
  int64_t buffer_bytes() const override { return shared_bytes_ + pixels_->strip_bytes(); }
  const std::string& name() const override { return pixels_->name(); }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<TransposedRows>(pixels_, 0); }

  void Read(Range rows, uint8_t* dst) override {
    strip_.resize(static_cast<size_t>(pixels_->strip_bytes()));
    while (!rows.empty()) {
      const Range part{rows.begin, std::min(rows.begin + kColumns, rows.end)};
      pixels_->Read(part, strip_.data(), dst);
      dst += part.size() * width() * channels();
      rows.begin = part.end;
    }
  }

 private:
  std::shared_ptr<PixelsByColumn> pixels_;
  int64_t shared_bytes_;
  std::vector<uint8_t> strip_;
};

}  // namespace

std::unique_ptr<RowSource> Transpose(std::unique_ptr<RowSource> source) {
  auto pixels = std::make_shared<PixelsByColumn>(std::move(source));
  return std::make_unique<TransposedRows>(pixels, pixels->buffer_bytes());
}

}  // namespace swath
