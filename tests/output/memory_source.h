/// An image in memory as a RowSource.
#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "swath/row_source.h"

namespace swath {

struct MemoryImage {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 1;
  std::vector<uint8_t> pixels = {};
};

class MemorySource : public RowSource {
 public:
  explicit MemorySource(MemoryImage image) : image_(std::move(image)) {}

  int64_t width() const override { return image_.width; }
  int64_t height() const override { return image_.height; }
  int64_t channels() const override { return image_.channels; }
  int64_t natural_rows() const override { return 3; }
  int64_t buffer_bytes() const override { return 0; }
  const std::string& name() const override { return name_; }
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<MemorySource>(image_); }
  void Read(Range rows, uint8_t* dst) override {
    const int64_t row_bytes = image_.width * image_.channels;
    std::memcpy(dst, image_.pixels.data() + rows.begin * row_bytes, rows.size() * row_bytes);
  }

 private:
  MemoryImage image_;
  std::string name_ = "memory";
};

}  // namespace swath
