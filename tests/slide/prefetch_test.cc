#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <thread>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"

namespace swath {
namespace {

using namespace testing;

/// Shared by a source and its clones, so that a test can ask after the source is wrapped.
struct Log {
  std::atomic<int64_t> rows{0};
  std::atomic<int64_t> furthest{0};
  std::thread::id thread;
};

/// Rows of noise, read from memory. Rows from `bad_row` on throw.
class MemoryRows final : public RowSource {
 public:
  MemoryRows(Image image, int64_t natural_rows, std::shared_ptr<Log> log, int64_t bad_row)
      : image_(std::move(image)), natural_rows_(natural_rows), log_(std::move(log)), bad_row_(bad_row) {}

  int64_t width() const override { return image_.width; }
  int64_t height() const override { return image_.height; }
  int64_t channels() const override { return image_.channels; }
  int64_t natural_rows() const override { return natural_rows_; }
  int64_t buffer_bytes() const override { return 1000; }
  const std::string& name() const override { return name_; }
  void Read(Range rows, uint8_t* dst) override {
    if (rows.end > bad_row_) throw Error(ErrorCode::kInput, name_ + ": damaged");
    log_->rows += rows.size();
    log_->furthest = std::max<int64_t>(log_->furthest, rows.end);
    log_->thread = std::this_thread::get_id();
    const int64_t row_bytes = width() * channels();
    std::copy_n(image_.pixels.begin() + rows.begin * row_bytes, rows.size() * row_bytes, dst);
  }
  std::unique_ptr<RowSource> Clone() const override {
    return std::make_unique<MemoryRows>(image_, natural_rows_, log_, bad_row_);
  }

 private:
  std::string name_ = "memory";
  Image image_;
  int64_t natural_rows_;
  std::shared_ptr<Log> log_;
  int64_t bad_row_;
};

class PrefetchTest : public ::testing::Test {
 protected:
  std::unique_ptr<RowSource> Make(int64_t natural_rows, int64_t bad_row = INT64_MAX) {
    return Prefetch(std::make_unique<MemoryRows>(image_, natural_rows, log_, bad_row));
  }

  Image image_ = Noise(17, 103, 3, 1);
  std::shared_ptr<Log> log_ = std::make_shared<Log>();
};

TEST_F(PrefetchTest, ReadsEveryRowOnceOnAnotherThread) {
  for (const int64_t natural : {1, 8, 10, 103}) {
    for (const int64_t step : {1, 7, 10, 103}) {
      log_->rows = 0;
      EXPECT_EQ(ReadAll(*Make(natural), step), image_);
      EXPECT_EQ(log_->rows, 103);
      EXPECT_NE(log_->thread, std::this_thread::get_id());
    }
  }
}

TEST_F(PrefetchTest, RandomReadsAreRight) {
  const auto rows = Make(9);
  std::mt19937 random(2);
  for (int i = 0; i < 500; ++i) {
    const auto begin = static_cast<int64_t>(random() % 103);
    const int64_t end = begin + 1 + static_cast<int64_t>(random() % static_cast<unsigned>(103 - begin));
    Image part{17, end - begin, 3, std::vector<uint8_t>(static_cast<size_t>((end - begin) * 17 * 3))};
    rows->Read({begin, end}, part.pixels.data());
    ASSERT_EQ(part, Crop(image_, 0, begin, 17, end - begin));
  }
}

TEST_F(PrefetchTest, RunsOneBlockAheadAndNoFurther) {
  const auto rows = Make(10);
  std::vector<uint8_t> pixels(17 * 3);
  rows->Read({0, 1}, pixels.data());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(log_->furthest, 20);
  EXPECT_EQ(rows->buffer_bytes(), 1000 + 2 * 10 * 17 * 3);
}

TEST_F(PrefetchTest, StopsBeforeRowsThatNobodyExpects) {
  const auto rows = Make(10);
  std::vector<uint8_t> pixels(17 * 3);
  rows->ExpectRows({3, 20});
  rows->Read({19, 20}, pixels.data());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(log_->furthest, 20);
  rows->ExpectRows({30, 41});
  rows->Read({30, 31}, pixels.data());
  rows->Read({40, 41}, pixels.data());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(log_->furthest, 50);
  EXPECT_EQ(log_->rows, 30);
}

TEST_F(PrefetchTest, AnErrorComesWithTheRowsItConcerns) {
  const auto rows = Make(10, 25);
  std::vector<uint8_t> pixels(10 * 17 * 3);
  rows->Read({0, 10}, pixels.data());
  rows->Read({10, 20}, pixels.data());
  for (int i = 0; i < 2; ++i) EXPECT_THROW(rows->Read({20, 21}, pixels.data()), Error);
  rows->Read({3, 4}, pixels.data());  // and what is whole can still be read
  EXPECT_EQ(pixels[0], image_.at(3, 0, 0));
}

TEST_F(PrefetchTest, MayBeDroppedOrClonedWhileItReads) {
  for (int i = 0; i < 50; ++i) {
    const auto rows = Make(10);
    std::vector<uint8_t> pixels(17 * 3);
    rows->Read({0, 1}, pixels.data());
    if (i % 2 == 0) {
      EXPECT_EQ(ReadAll(*rows->Clone(), 13), image_);
    }
  }
  Make(10);  // never read at all
}

}  // namespace
}  // namespace swath
