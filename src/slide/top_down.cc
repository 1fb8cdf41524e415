#include "slide/top_down.h"

#include <algorithm>
#include <utility>

namespace swath {

void TopDownBlocks::Read(int64_t block, Range columns, uint8_t* dst) {
  rows_->Read({block * block_rows(), std::min((block + 1) * block_rows(), height())}, columns, dst);
}

std::unique_ptr<BlockReader> TopDownBlocks::Clone() const {
  rows_->Keep();
  auto clone = std::make_unique<TopDownBlocks>(rows_);
  clone->buffer_bytes_ = 0;
  return clone;
}

TopDownSlide::TopDownSlide(SlideInfo info, bool has_alpha, Start start)
    : has_alpha_(has_alpha), start_(std::move(start)) {
  info_ = std::move(info);
}

std::unique_ptr<BlockReader> TopDownSlide::OpenLevel(int, Pixels pixels) const {
  const SlideLevel& level = info_.levels.front();
  return std::make_unique<TopDownBlocks>(std::make_shared<DecodedRows>(
      info_.path, DecodedRows::Size{level.width, level.height, Channels(pixels)},
      [start = start_, pixels] { return start(pixels); }));
}

}  // namespace swath
