/// What changes the pixels of an image but not its size.
#pragma once

#include <cassert>
#include <memory>
#include <string>
#include <utility>

#include "swath/row_source.h"

namespace swath {

/// Passes everything but Read and Clone on to its source.
class WrappedRows : public RowSource {
 public:
  explicit WrappedRows(std::unique_ptr<RowSource> source) : source_(std::move(source)) {
    assert(source_->sample_type() == SampleType::kUint8);
  }

  int64_t width() const override { return source_->width(); }
  int64_t height() const override { return source_->height(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t natural_rows() const override { return source_->natural_rows(); }
  int64_t buffer_bytes() const override { return source_->buffer_bytes(); }
  const std::string& name() const override { return source_->name(); }
  void ExpectRows(Range rows) override { source_->ExpectRows(rows); }

 protected:
  int64_t row_bytes() const { return width() * channels(); }

  std::unique_ptr<RowSource> source_;
};

}  // namespace swath
