/// Images in memory, for tests.
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "swath/row_source.h"

namespace swath::test {

/// An image whose clones share its pixels, [row, column, channel].
class MemoryImage : public RowSource {
 public:
  MemoryImage(int64_t width, int64_t height, int64_t channels)
      : MemoryImage(width, height, channels,
                    std::vector<uint8_t>(static_cast<size_t>(width * height * channels))) {}
  MemoryImage(int64_t width, int64_t height, int64_t channels, std::vector<uint8_t> pixels,
              SampleType type = SampleType::kUint8)
      : width_(width),
        height_(height),
        channels_(channels),
        type_(type),
        pixels_(std::make_shared<std::vector<uint8_t>>(std::move(pixels))) {}

  std::vector<uint8_t>& pixels() { return *pixels_; }

  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  int64_t channels() const override { return channels_; }
  SampleType sample_type() const override { return type_; }
  int64_t natural_rows() const override { return 1; }
  int64_t buffer_bytes() const override { return 0; }
  const std::string& name() const override { return name_; }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<MemoryImage>(*this); }
  void Read(Range rows, uint8_t* dst) override {
    const int64_t row = width_ * channels_ * SampleBytes(type_);
    std::memcpy(dst, pixels_->data() + rows.begin * row, static_cast<size_t>(rows.size() * row));
  }

 private:
  int64_t width_, height_, channels_;
  SampleType type_;
  std::shared_ptr<std::vector<uint8_t>> pixels_;
  std::string name_ = "memory";
};

/// Uniform bytes.
inline MemoryImage RandomImage(int64_t width, int64_t height, int64_t channels, uint32_t seed) {
  MemoryImage image(width, height, channels);
  std::mt19937 random(seed);
  for (uint8_t& pixel : image.pixels()) pixel = static_cast<uint8_t>(random() >> 24);
  return image;
}

/// Labels 0 … classes - 1, a tenth of them 255 (ignored), in blobs of a few pixels.
inline MemoryImage RandomLabels(int64_t width, int64_t height, int classes, uint32_t seed) {
  MemoryImage labels(width, height, 1);
  std::mt19937 random(seed);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const uint8_t drawn =
          random() % 10 == 0 ? 255 : static_cast<uint8_t>(random() % static_cast<uint32_t>(classes));
      uint8_t* pixel = labels.pixels().data() + y * width + x;
      *pixel = x > 0 && random() % 2 ? pixel[-1] : drawn;
    }
  }
  return labels;
}

}  // namespace swath::test
