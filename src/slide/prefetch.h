/// Reading ahead on a thread of its own.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "swath/row_source.h"

namespace swath {

/// Two blocks of natural_rows() rows: the caller's, and the one that the thread fills. Only the thread reads
/// the source. It starts with the first Read.
class PrefetchRows final : public RowSource {
 public:
  explicit PrefetchRows(std::unique_ptr<RowSource> source);
  ~PrefetchRows() override;
  PrefetchRows(const PrefetchRows&) = delete;
  PrefetchRows& operator=(const PrefetchRows&) = delete;

  int64_t width() const override { return source_->width(); }
  int64_t height() const override { return source_->height(); }
  int64_t channels() const override { return source_->channels(); }
  int64_t natural_rows() const override { return rows_; }
  int64_t buffer_bytes() const override;
  void Read(Range rows, uint8_t* dst) override;
  void ExpectRows(Range rows) override { end_ = rows.end; }
  std::unique_ptr<RowSource> Clone() const override;
  std::unique_ptr<RowSource> CloneColumns(Range columns) const override;
  const std::string& name() const override { return source_->name(); }

 private:
  struct Block {
    int64_t index = -1;
    std::vector<uint8_t> pixels;
    std::exception_ptr error;
  };

  Range RowsOf(int64_t block) const;
  int64_t row_bytes() const { return width() * channels(); }
  void Acquire(int64_t block);
  void Request(int64_t block);
  void Run();
  /// Of the source, which belongs to the thread while it is busy.
  template <class F>
  auto WhileIdle(F&& f) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
    return f(*source_);
  }

  std::unique_ptr<RowSource> source_;
  int64_t rows_;
  int64_t end_;    ///< of what will be read
  Block current_;  ///< the caller's alone
  Block next_;     ///< the thread's while busy_, else the caller's
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool busy_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace swath
