#include "slide/area_rows.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace swath {
namespace {

/// The source indices that result `i` of `n` covers at least partly.
Range Covered(int64_t i, int64_t n, int64_t source) {
  return {i * source / n, ((i + 1) * source + n - 1) / n};
}

/// How much of source index `s` result `i` covers, in units of 1/n of a source pixel; sums to `source` over
/// s.
int64_t Overlap(int64_t i, int64_t n, int64_t source, int64_t s) {
  return std::min((i + 1) * source, (s + 1) * n) - std::max(i * source, s * n);
}

}  // namespace

AreaRows::AreaRows(std::unique_ptr<RowSource> source, int64_t width, int64_t height, Combine combine)
    : source_(std::move(source)),
      columns_{.width = width,
               .source_width = source_->width(),
               .made = {0, width},
               .read = {0, source_->width()}},
      height_(height),
      combine_(combine) {
  assert(0 < width && width <= source_->width() && 0 < height && height <= source_->height());
}

AreaRows::AreaRows(std::unique_ptr<RowSource> source, const Columns& columns, int64_t height, Combine combine)
    : source_(std::move(source)), columns_(columns), height_(height), combine_(combine) {}

int64_t AreaRows::natural_rows() const {
  return std::max<int64_t>(1, source_->natural_rows() * height_ / source_->height());
}

int64_t AreaRows::buffer_bytes() const {
  return static_cast<int64_t>(row_.size() + combined_.size() * sizeof(combined_[0])) +
         source_->buffer_bytes();
}

void AreaRows::MeanOfColumns(uint8_t* dst) const {
  const auto [width, source_width, made, read] = columns_;
  const auto area = static_cast<uint64_t>(source_width) * static_cast<uint64_t>(source_->height());
  const int64_t channel_count = channels();
  for (int64_t x = made.begin; x < made.end; ++x) {
    const Range columns = Covered(x, width, source_width);
    for (int64_t c = 0; c < channel_count; ++c) {
      uint64_t sum = area / 2;
      for (int64_t s = columns.begin; s < columns.end; ++s) {
        const auto overlap = static_cast<uint64_t>(Overlap(x, width, source_width, s));
        sum += overlap * combined_[static_cast<size_t>((s - read.begin) * channel_count + c)];
      }
      *dst++ = static_cast<uint8_t>(sum / area);
    }
  }
}

void AreaRows::SmallestOfColumns(uint8_t* dst) const {
  const auto [width, source_width, made, read] = columns_;
  const int64_t channel_count = channels();
  for (int64_t x = made.begin; x < made.end; ++x) {
    const Range columns = Covered(x, width, source_width);
    for (int64_t c = 0; c < channel_count; ++c) {
      uint64_t smallest = 255;
      for (int64_t s = columns.begin; s < columns.end; ++s) {
        smallest = std::min(smallest, combined_[static_cast<size_t>((s - read.begin) * channel_count + c)]);
      }
      *dst++ = static_cast<uint8_t>(smallest);
    }
  }
}

void AreaRows::ReadRow(int64_t y, uint8_t* dst) {
  std::fill(combined_.begin(), combined_.end(), combine_ == Combine::kAll ? 255 : 0);
  const Range rows = Covered(y, height_, source_->height());
  for (int64_t s = rows.begin; s < rows.end; ++s) {
    source_->Read({s, s + 1}, row_.data());
    if (combine_ == Combine::kAll) {
      for (size_t i = 0; i < row_.size(); ++i) combined_[i] = std::min<uint64_t>(combined_[i], row_[i]);
    } else {
      const auto overlap = static_cast<uint64_t>(Overlap(y, height_, source_->height(), s));
      for (size_t i = 0; i < row_.size(); ++i) combined_[i] += overlap * row_[i];
    }
  }
  if (combine_ == Combine::kAll) {
    SmallestOfColumns(dst);
  } else {
    MeanOfColumns(dst);
  }
}

void AreaRows::Read(Range rows, uint8_t* dst) {
  for (int64_t y = rows.begin; y < rows.end; ++y, dst += width() * channels()) ReadRow(y, dst);
}

std::unique_ptr<RowSource> AreaRows::CloneColumns(Range columns) const {
  Columns part = columns_;
  part.made = {columns_.made.begin + columns.begin, columns_.made.begin + columns.end};
  part.read = {Covered(part.made.begin, part.width, part.source_width).begin,
               Covered(part.made.end - 1, part.width, part.source_width).end};
  const Range inside{part.read.begin - columns_.read.begin, part.read.end - columns_.read.begin};
  return std::unique_ptr<RowSource>(new AreaRows(source_->CloneColumns(inside), part, height_, combine_));
}

}  // namespace swath
