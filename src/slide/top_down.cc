#include "slide/top_down.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace swath {

TopDownBlocks::TopDownBlocks(Size size, RowDecoderFactory start) : size_(size), start_(std::move(start)) {
  if (row_bytes() <= kMaxKeptBytes / size_.height) {
    kept_ = std::make_shared<Kept>();
    kept_->decoder = start_();
    buffer_bytes_ = row_bytes() * size_.height + kept_->decoder->buffer_bytes();
  } else {
    decoder_ = start_();
    buffer_bytes_ = row_bytes() + decoder_->buffer_bytes();
  }
}

TopDownBlocks::TopDownBlocks(Size size, RowDecoderFactory start, std::shared_ptr<Kept> kept)
    : size_(size), start_(std::move(start)), kept_(std::move(kept)) {}

void TopDownBlocks::CopyKept(Range rows, Range columns, uint8_t* dst) {
  const std::lock_guard lock(kept_->mutex);
  kept_->pixels.resize(static_cast<size_t>(row_bytes() * size_.height));
  for (; kept_->rows < rows.end; ++kept_->rows) {
    kept_->decoder->Next(kept_->pixels.data() + kept_->rows * row_bytes());
  }
  if (kept_->rows == size_.height) kept_->decoder.reset();
  for (int64_t y = rows.begin; y < rows.end; ++y, dst += columns.size() * size_.channels) {
    std::memcpy(dst, kept_->pixels.data() + y * row_bytes() + columns.begin * size_.channels,
                static_cast<size_t>(columns.size() * size_.channels));
  }
}

void TopDownBlocks::CopyDecoded(Range rows, Range columns, uint8_t* dst) {
  row_.resize(static_cast<size_t>(row_bytes()));
  if (decoder_ == nullptr || rows.begin < next_row_) {
    decoder_.reset();  // the old one's buffers go before the new one's come
    decoder_ = start_();
    next_row_ = 0;
  }
  for (; next_row_ < rows.end; ++next_row_) {
    decoder_->Next(row_.data());
    if (next_row_ < rows.begin) continue;
    std::memcpy(dst, row_.data() + columns.begin * size_.channels,
                static_cast<size_t>(columns.size() * size_.channels));
    dst += columns.size() * size_.channels;
  }
}

void TopDownBlocks::Read(int64_t block, Range columns, uint8_t* dst) {
  const Range rows{block * block_rows(), std::min((block + 1) * block_rows(), size_.height)};
  if (kept_ != nullptr) {
    CopyKept(rows, columns, dst);
  } else {
    CopyDecoded(rows, columns, dst);
  }
}

std::unique_ptr<BlockReader> TopDownBlocks::Clone() const {
  if (kept_ == nullptr) return std::make_unique<TopDownBlocks>(size_, start_);
  return std::unique_ptr<BlockReader>(new TopDownBlocks(size_, start_, kept_));
}

TopDownSlide::TopDownSlide(SlideInfo info, bool has_alpha, Start start)
    : has_alpha_(has_alpha), start_(std::move(start)) {
  info_ = std::move(info);
}

std::unique_ptr<BlockReader> TopDownSlide::OpenLevel(int, Pixels pixels) const {
  const SlideLevel& level = info_.levels.front();
  return std::make_unique<TopDownBlocks>(TopDownBlocks::Size{level.width, level.height, Channels(pixels)},
                                         [start = start_, pixels] { return start(pixels); });
}

}  // namespace swath
