#include "slide/prefetch.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "slide/level_rows.h"
#include "swath/slide.h"

namespace swath {

PrefetchRows::PrefetchRows(std::unique_ptr<RowSource> source)
    : source_(std::move(source)), rows_(source_->natural_rows()), end_(source_->height()) {}

PrefetchRows::~PrefetchRows() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

int64_t PrefetchRows::buffer_bytes() const { return 2 * rows_ * row_bytes() + source_->buffer_bytes(); }

Range PrefetchRows::RowsOf(int64_t block) const {
  return {block * rows_, std::min((block + 1) * rows_, height())};
}

void PrefetchRows::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return busy_ || stop_; });
    if (stop_) return;
    lock.unlock();
    try {
      next_.pixels.resize(static_cast<size_t>(rows_ * row_bytes()));
      source_->Read(RowsOf(next_.index), next_.pixels.data());
    } catch (...) {
      next_.error = std::current_exception();
    }
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void PrefetchRows::Request(int64_t block) {
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
  {
    const std::lock_guard lock(mutex_);
    next_.index = block;
    next_.error = nullptr;
    busy_ = true;
  }
  changed_.notify_all();
}

void PrefetchRows::Acquire(int64_t block) {
  const auto wait = [this] {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
  };
  wait();
  if (next_.index != block) {
    Request(block);
    wait();
  }
  std::swap(current_, next_);
  next_.index = -1;
  if (current_.error) {
    current_.index = -1;  // asked for again, it is read again
    std::rethrow_exception(std::exchange(current_.error, nullptr));
  }
  if (RowsOf(block + 1).begin < end_) Request(block + 1);
}

void PrefetchRows::Read(Range rows, uint8_t* dst) {
  assert(0 <= rows.begin && rows.end <= height());
  while (!rows.empty()) {
    const int64_t block = rows.begin / rows_;
    if (block != current_.index) Acquire(block);
    const Range stored = RowsOf(block);
    const Range part = Intersect(stored, rows);
    std::memcpy(dst, current_.pixels.data() + (part.begin - stored.begin) * row_bytes(),
                static_cast<size_t>(part.size() * row_bytes()));
    dst += part.size() * row_bytes();
    rows.begin = part.end;
  }
}

std::unique_ptr<RowSource> PrefetchRows::Clone() const {
  return std::make_unique<PrefetchRows>(WhileIdle([](const RowSource& source) { return source.Clone(); }));
}

std::unique_ptr<RowSource> PrefetchRows::CloneColumns(Range columns) const {
  return std::make_unique<PrefetchRows>(
      WhileIdle([&](const RowSource& source) { return source.CloneColumns(columns); }));
}

std::unique_ptr<RowSource> Prefetch(std::unique_ptr<RowSource> source) {
  if (auto* level = dynamic_cast<LevelRows*>(source.get())) level->ExpectWholeBlocks();
  return std::make_unique<PrefetchRows>(std::move(source));
}

}  // namespace swath
