#include "swath/row_source.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace swath {
namespace {

/// Reads whole rows, and passes on a part of them.
class ColumnRows final : public RowSource {
 public:
  ColumnRows(std::unique_ptr<RowSource> source, Range columns)
      : source_(std::move(source)),
        columns_(columns),
        row_(static_cast<size_t>(source_->width() * pixel_bytes())) {}

  int64_t width() const override { return columns_.size(); }
  int64_t height() const override { return source_->height(); }
  int64_t channels() const override { return source_->channels(); }
  SampleType sample_type() const override { return source_->sample_type(); }
  int64_t natural_rows() const override { return source_->natural_rows(); }
  int64_t buffer_bytes() const override {
    return source_->buffer_bytes() + static_cast<int64_t>(row_.size());
  }
  const std::string& name() const override { return source_->name(); }
  void ExpectRows(Range rows) override { source_->ExpectRows(rows); }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<ColumnRows>(source_->Clone(), columns_);
  }
  void Read(Range rows, uint8_t* dst) override {
    const int64_t bytes = width() * pixel_bytes();
    for (int64_t y = rows.begin; y < rows.end; ++y, dst += bytes) {
      source_->Read({y, y + 1}, row_.data());
      std::copy_n(row_.data() + columns_.begin * pixel_bytes(), bytes, dst);
    }
  }

 private:
  int64_t pixel_bytes() const { return channels() * SampleBytes(sample_type()); }

  std::unique_ptr<RowSource> source_;
  Range columns_;
  std::vector<uint8_t> row_;
};

}  // namespace

std::unique_ptr<RowSource> RowSource::CloneColumns(Range columns) const {
  if (columns == Range{0, width()}) return Clone();
  return std::make_unique<ColumnRows>(Clone(), columns);
}

}  // namespace swath
