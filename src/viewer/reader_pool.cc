#include "viewer/reader_pool.h"

#include <utility>

namespace swath::viewer {

class ReaderPool::Lent final : public BlockReader {
 public:
  explicit Lent(ReaderPool* pool) : pool_(pool), reader_(pool->Take()) {}
  ~Lent() override { pool_->TakeBack(std::move(reader_)); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;

  int64_t width() const override { return reader_->width(); }
  int64_t height() const override { return reader_->height(); }
  int64_t block_rows() const override { return reader_->block_rows(); }
  int64_t buffer_bytes() const override { return reader_->buffer_bytes(); }
  void Read(int64_t block, Range columns, uint8_t* dst) override { reader_->Read(block, columns, dst); }
  std::unique_ptr<BlockReader> Clone() const override { return pool_->Lend(); }

 private:
  ReaderPool* pool_;
  std::unique_ptr<BlockReader> reader_;
};

std::unique_ptr<BlockReader> ReaderPool::Lend() { return std::make_unique<Lent>(this); }

std::unique_ptr<BlockReader> ReaderPool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return reader;
    }
  }
  return first_->Clone();
}

void ReaderPool::TakeBack(std::unique_ptr<BlockReader> reader) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(reader));
}

}  // namespace swath::viewer
