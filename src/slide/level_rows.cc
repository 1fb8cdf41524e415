#include "slide/level_rows.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace swath {

LevelRows::LevelRows(std::string name, std::unique_ptr<BlockReader> reader, LevelWindow window, Pixels pixels)
    : name_(std::move(name)), reader_(std::move(reader)), window_(window), pixels_(pixels) {
  const int64_t rows = std::min(reader_->block_rows(), reader_->height());
  if (row_bytes() > kMaxBlockBytes / rows) {
    Fail(ErrorCode::kUnsupported,
         "{}: {} rows of {} pixels are decoded together; Swath holds at most {} MiB of them", name_, rows,
         width(), kMaxBlockBytes >> 20);
  }
}

int64_t LevelRows::natural_rows() const { return std::min(reader_->block_rows(), height()); }

int64_t LevelRows::buffer_bytes() const {
  return (whole_blocks_ ? 0 : block_bytes()) + reader_->buffer_bytes();
}

Range LevelRows::BlockRows(int64_t block) const {
  const int64_t begin = block * reader_->block_rows() - reader_->missing_rows();
  return {std::max<int64_t>(begin, 0), std::min(begin + reader_->block_rows(), reader_->height())};
}

void LevelRows::Read(Range rows, uint8_t* dst) {
  assert(0 <= rows.begin && rows.end <= height());
  Range wanted{rows.begin + window_.rows.begin, rows.end + window_.rows.begin};
  while (!wanted.empty()) {
    const int64_t block = (wanted.begin + reader_->missing_rows()) / reader_->block_rows();
    const Range stored = BlockRows(block);
    const Range part = Intersect(stored, wanted);
    if (part == stored && block != cached_block_) {
      reader_->Read(block, window_.columns, dst);
    } else {
      if (block != cached_block_) {
        cached_block_ = -1;  // stays so if the read throws: the cache then holds nothing whole
        cache_.resize(static_cast<size_t>(block_bytes()));
        reader_->Read(block, window_.columns, cache_.data());
        cached_block_ = block;
      }
      std::memcpy(dst, cache_.data() + (part.begin - stored.begin) * row_bytes(),
                  static_cast<size_t>(part.size() * row_bytes()));
    }
    dst += part.size() * row_bytes();
    wanted.begin = part.end;
  }
}

std::unique_ptr<RowSource> LevelRows::Clone() const { return CloneColumns({0, width()}); }

std::unique_ptr<RowSource> LevelRows::CloneColumns(Range columns) const {
  LevelWindow window = window_;
  window.columns = {window_.columns.begin + columns.begin, window_.columns.begin + columns.end};
  auto clone = std::make_unique<LevelRows>(name_, reader_->Clone(), window, pixels_);
  clone->whole_blocks_ = whole_blocks_;
  return clone;
}

}  // namespace swath
