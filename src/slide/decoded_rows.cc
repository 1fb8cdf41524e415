#include "slide/decoded_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace swath {
namespace {

/// Decoded by one reader before another gets its turn.
constexpr int64_t kRowsATurn = 16;

}  // namespace

DecodedRows::DecodedRows(std::string name, Size size, RowDecoderFactory start)
    : name_(std::move(name)),
      size_(size),
      row_bytes_(size.width * size.channels),
      start_(std::move(start)),
      keep_(in_memory()),
      decoder_(start_()) {
  buffer_bytes_ = row_bytes_ * (in_memory() ? size_.height : 1) + decoder_->buffer_bytes();
}

void DecodedRows::Keep() {
  const std::lock_guard lock(mutex_);
  keep_ = true;
}

void DecodedRows::Read(Range rows, Range columns, uint8_t* dst) {
  std::unique_lock lock(mutex_);
  if (!keep_ && rows.begin >= kept_.end) return PassBy(rows, columns, dst);
  keep_ = true;
  if (rows.begin < kept_.begin) changed_.wait(lock, [this] { return !busy_; });
  if (rows.begin < kept_.begin) {
    decoder_.reset();  // the old one's buffers go before the new one's come
    kept_ = {0, 0};
    failure_ = nullptr;
  }
  DecodeTo(rows.end, &lock);
  lock.unlock();
  CopyKept(rows, columns, dst);  // no longer changes
}

void DecodedRows::PassBy(Range rows, Range columns, uint8_t* dst) {
  if (failure_) std::rethrow_exception(failure_);
  try {
    pixels_.resize(static_cast<size_t>(row_bytes_));
    for (int64_t y = kept_.end; y < rows.end; ++y) {
      decoder_->Next(pixels_.data());
      if (y >= rows.begin) dst = CopyColumns(pixels_.data(), columns, dst);
    }
  } catch (...) {
    failure_ = std::current_exception();
    throw;
  }
  kept_ = {rows.end, rows.end};
  if (rows.end == size_.height) decoder_.reset();
}

void DecodedRows::DecodeTo(int64_t end, std::unique_lock<std::mutex>* lock) {
  while (kept_.end < end) {
    if (failure_) std::rethrow_exception(failure_);
    if (busy_) {
      changed_.wait(*lock);
      continue;
    }
    busy_ = true;
    const Range rows{kept_.end, std::min(kept_.end + kRowsATurn, size_.height)};
    lock->unlock();
    std::exception_ptr failure;
    try {
      KeepRows(rows);
    } catch (...) {
      failure = std::current_exception();
    }
    lock->lock();
    busy_ = false;
    failure_ = failure;
    if (!failure) kept_.end = rows.end;
    if (failure || kept_.end == size_.height) decoder_.reset();
    changed_.notify_all();
  }
}

void DecodedRows::KeepRows(Range rows) {
  if (decoder_ == nullptr) decoder_ = start_();
  if (in_memory()) {
    pixels_.resize(static_cast<size_t>(row_bytes_ * size_.height));
    for (int64_t y = rows.begin; y < rows.end; ++y) decoder_->Next(pixels_.data() + y * row_bytes_);
    return;
  }
  if (!file_) file_.emplace(name_, "decoded rows", row_bytes_ * size_.height);
  pixels_.resize(static_cast<size_t>(row_bytes_));
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    decoder_->Next(pixels_.data());
    file_->Write(y * row_bytes_, pixels_.data(), row_bytes_);
  }
}

void DecodedRows::CopyKept(Range rows, Range columns, uint8_t* dst) const {
  if (in_memory()) {
    for (int64_t y = rows.begin; y < rows.end; ++y)
      dst = CopyColumns(pixels_.data() + y * row_bytes_, columns, dst);
    return;
  }
  const Range bytes{columns.begin * size_.channels, columns.end * size_.channels};
  if (bytes.size() == row_bytes_) return file_->Read(rows.begin * row_bytes_, dst, rows.size() * row_bytes_);
  for (int64_t y = rows.begin; y < rows.end; ++y, dst += bytes.size())
    file_->Read(y * row_bytes_ + bytes.begin, dst, bytes.size());
}

uint8_t* DecodedRows::CopyColumns(const uint8_t* row, Range columns, uint8_t* dst) const {
  const int64_t bytes = columns.size() * size_.channels;
  std::memcpy(dst, row + columns.begin * size_.channels, static_cast<size_t>(bytes));
  return dst + bytes;
}

}  // namespace swath
