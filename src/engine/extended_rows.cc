#include "swath/extended_rows.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "swath/model.h"

namespace swath {
namespace {

class Extended final : public RowSource {
 public:
  Extended(std::unique_ptr<RowSource> source, int64_t width, int64_t height, uint8_t value)
      : source_(std::move(source)), width_(width), height_(height), value_(value) {}

  int64_t width() const override { return width_; }
  int64_t height() const override { return height_; }
  int64_t channels() const override { return source_->channels(); }
  int64_t natural_rows() const override { return source_->natural_rows(); }
  int64_t buffer_bytes() const override { return source_->buffer_bytes(); }
  const std::string& name() const override { return source_->name(); }
  void ExpectRows(Range rows) override { source_->ExpectRows(Intersect(rows, {0, source_->height()})); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<Extended>(source_->Clone(), width_, height_, value_);
  }
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override {
    const Range inside = Intersect(columns, {0, source_->width()});
    if (inside.empty()) return RowSource::CloneColumns(columns);
    return std::make_unique<Extended>(source_->CloneColumns(inside), columns.size(), height_, value_);
  }

  void Read(Range rows, uint8_t* dst) override {
    const int64_t inner = source_->width() * channels(), outer = width_ * channels();
    const Range inside = Intersect(rows, {0, source_->height()});
    if (!inside.empty()) source_->Read(inside, dst);
    // The rows came tightly packed; the last one first, so that none is overwritten before it is moved.
    for (int64_t i = inside.size() - 1; i >= 0 && outer > inner; --i) {
      std::memmove(dst + i * outer, dst + i * inner, static_cast<size_t>(inner));
      std::memset(dst + i * outer + inner, value_, static_cast<size_t>(outer - inner));
    }
    std::memset(dst + inside.size() * outer, value_,
                static_cast<size_t>((rows.size() - inside.size()) * outer));
  }

 private:
  std::unique_ptr<RowSource> source_;
  int64_t width_;
  int64_t height_;
  uint8_t value_;
};

}  // namespace

std::unique_ptr<RowSource> ExtendedRows(std::unique_ptr<RowSource> source, int64_t width, int64_t height,
                                        uint8_t value) {
  assert(width >= source->width() && height >= source->height());
  if (width == source->width() && height == source->height()) return source;
  return std::make_unique<Extended>(std::move(source), width, height, value);
}

std::unique_ptr<RowSource> ExtendedImage(const Graph& graph, std::unique_ptr<RowSource> image) {
  const int64_t width = ExtendedSize(graph, image->width()), height = ExtendedSize(graph, image->height());
  return ExtendedRows(std::move(image), width, height, static_cast<uint8_t>(ModelExtension(graph)));
}

}  // namespace swath
