#include "slide/top_down.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/support/file_size_limit.h"

namespace swath {
namespace {

using namespace testing;

TEST(Png, PixelsComeBack) {
  const TempFolder folder;
  const Image rgb = Noise(61, 47, 3, 1);
  for (const bool interlaced : {false, true}) {
    WritePng(folder / "a.png", rgb, 8, interlaced);
    const auto slide = Slide::Open(folder / "a.png");
    EXPECT_EQ(slide->info().format, "png");
    EXPECT_EQ(ReadAll(*slide->OpenRows()), rgb);
    EXPECT_EQ(slide->OpenExistence(), nullptr);
  }
}

TEST(Png, GreysAreSpreadOverTheWholeRange) {
  const TempFolder folder;
  Image grey = Noise(33, 21, 1, 2);
  for (auto& v : grey.pixels) v &= 3;
  WritePng(folder / "a.png", grey, 2);
  const Image read = ReadAll(*Slide::Open(folder / "a.png")->OpenRows());
  for (int64_t i = 0; i < 33 * 21; ++i) {
    for (int64_t c = 0; c < 3; ++c) ASSERT_EQ(read.at(0, i, c), grey.pixels[static_cast<size_t>(i)] * 85);
  }
}

TEST(Png, PaletteIsShownInItsColours) {
  const TempFolder folder;
  WritePalettePng(folder / "a.png", {2, 1, 1, {0, 200}});
  EXPECT_THAT(ReadAll(*Slide::Open(folder / "a.png")->OpenRows()).pixels,
              ::testing::ElementsAre(0, 255, 7, 200, 55, 7));
}

TEST(Png, AlphaIsBlendedOverWhite) {
  const TempFolder folder;
  WritePng(folder / "a.png", {3, 1, 4, {10, 20, 30, 255, 10, 20, 30, 51, 1, 2, 3, 0}});
  const auto slide = Slide::Open(folder / "a.png");
  EXPECT_THAT(ReadAll(*slide->OpenRows()).pixels,
              ::testing::ElementsAre(10, 20, 30, 206, 208, 210, 255, 255, 255));
  EXPECT_THAT(ReadAll(*slide->OpenExistence()).pixels, ::testing::ElementsAre(255, 255, 0));
}

TEST(Jpeg, IsCloseToWhatWasWritten) {
  const TempFolder folder;
  for (const int64_t channels : {1, 3}) {
    const Image image = Smooth(123, 77, channels);
    for (const bool progressive : {false, true}) {
      WriteJpeg(folder / "a.jpg", image, 95, progressive);
      const auto slide = Slide::Open(folder / "a.jpg");
      EXPECT_EQ(slide->info().format, "jpeg");
      EXPECT_EQ(slide->info().grey, channels == 1);
      const Image read = ReadAll(*slide->OpenRows());
      ASSERT_EQ(read.channels, 3);
      for (int64_t i = 0; i < 123 * 77; ++i) ASSERT_NEAR(read.at(0, i, 0), image.at(0, i, 0), 6);
    }
  }
}

TEST(Jpeg, RefusesInks) {
  const TempFolder folder;
  WriteJpeg(folder / "a.jpg", Smooth(16, 16, 4));
  try {
    Slide::Open(folder / "a.jpg");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("inks"));
  }
}

/// Of all decoders of an image.
struct Counts {
  std::atomic<int> starts{0};
  std::atomic<int64_t> rows{0};
};

/// What all pixels of a row hold.
uint8_t ValueOf(int64_t y) { return static_cast<uint8_t>(7 * y + y / 256); }

class CountingDecoder final : public RowDecoder {
 public:
  CountingDecoder(Counts& counts, int64_t row_bytes, int64_t bad_row)
      : counts_(counts), row_bytes_(row_bytes), bad_row_(bad_row) {
    ++counts_.starts;
  }
  int64_t buffer_bytes() const override { return 5; }
  void Next(uint8_t* row) override {
    EXPECT_LE(next_, bad_row_) << "asked again after it failed";
    if (next_++ == bad_row_) throw Error(ErrorCode::kInput, "a.png: damaged");
    std::fill_n(row, row_bytes_, ValueOf(next_ - 1));
    ++counts_.rows;
  }

 private:
  Counts& counts_;
  int64_t row_bytes_;
  int64_t bad_row_;
  int64_t next_ = 0;
};

constexpr DecodedRows::Size kSmall{100, 64, 3};
constexpr DecodedRows::Size kLarge{1 << 15, 1000, 3};  // 94 MiB

std::unique_ptr<BlockReader> Open(DecodedRows::Size size, Counts& counts, int64_t bad_row = INT64_MAX) {
  return std::make_unique<TopDownBlocks>(std::make_shared<DecodedRows>("a.png", size, [=, &counts] {
    return std::make_unique<CountingDecoder>(counts, size.width * size.channels, bad_row);
  }));
}

int64_t Blocks(const BlockReader& reader) { return (reader.height() + 15) / 16; }

/// Reads a block and checks every pixel.
void Check(BlockReader& reader, int64_t block, Range columns = {5, 25}) {
  const int64_t rows = std::min<int64_t>(16, reader.height() - 16 * block);
  std::vector<uint8_t> pixels(static_cast<size_t>(rows * columns.size() * 3));
  reader.Read(block, columns, pixels.data());
  for (size_t i = 0; i < pixels.size(); ++i) {
    const int64_t y = 16 * block + static_cast<int64_t>(i) / (columns.size() * 3);
    ASSERT_EQ(pixels[i], ValueOf(y)) << "row " << y;
  }
}

std::string MessageOf(BlockReader& reader, int64_t block) {
  try {
    Check(reader, block);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

/// Temporary files go to `path` while it lives.
class TemporaryFiles {
 public:
  explicit TemporaryFiles(const std::string& path) {
    if (const char* before = std::getenv("TMPDIR")) before_ = before;
    setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryFiles() { before_ ? setenv("TMPDIR", before_->c_str(), 1) : unsetenv("TMPDIR"); }
  TemporaryFiles(const TemporaryFiles&) = delete;
  TemporaryFiles& operator=(const TemporaryFiles&) = delete;

 private:
  std::optional<std::string> before_;
};

TEST(TopDown, ASmallImageIsDecodedOnceForAllReadersAndNeedsNoDisk) {
  const TemporaryFiles none("/nowhere");
  Counts counts;
  const auto first = Open(kSmall, counts);
  const auto second = first->Clone();
  Check(*second, 2);
  Check(*first, 0);
  Check(*first, 3);
  Check(*second, 0, {0, 100});
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 64);
  EXPECT_EQ(first->buffer_bytes(), 100 * 64 * 3 + 5);
  EXPECT_EQ(second->buffer_bytes(), 0);
}

TEST(TopDown, ALoneReaderOnItsWayDownNeedsNoDisk) {
  const TemporaryFiles none("/nowhere");
  Counts counts;
  const auto reader = Open(kLarge, counts);
  for (int64_t block = 3; block < Blocks(*reader); ++block) Check(*reader, block);
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 1000);
  EXPECT_EQ(reader->buffer_bytes(), (1 << 15) * 3 + 5);
}

TEST(TopDown, ALargeImageIsDecodedOnceForAllReaders) {
  Counts counts;
  const auto first = Open(kLarge, counts);
  std::vector<std::unique_ptr<BlockReader>> readers;
  for (int i = 0; i < 4; ++i) readers.push_back(first->Clone());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < readers.size(); ++i) {
      threads.emplace_back([&reader = *readers[i], begin = static_cast<int64_t>(i) * Blocks(*first) / 4] {
        for (int64_t block = begin; block < Blocks(reader); ++block) Check(reader, block);
        for (int64_t block = begin; block >= 0; --block) Check(reader, block, {0, 1 << 15});
      });
    }
  }
  Check(*first, 0);
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 1000);
  EXPECT_EQ(first->buffer_bytes(), (1 << 15) * 3 + 5);
  EXPECT_EQ(readers[0]->buffer_bytes(), 0);
}

TEST(TopDown, ReadersOneAfterTheOtherDecodeOnce) {
  Counts counts;
  const auto first = Open(kLarge, counts);
  for (int64_t begin = 0; begin < Blocks(*first); begin += 10) {
    const auto reader = first->Clone();
    for (int64_t block = std::max<int64_t>(0, begin - 2); block < std::min(begin + 12, Blocks(*first));
         ++block)
      Check(*reader, block);
  }
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 1000);
}

TEST(TopDown, AReaderThatComesLaterDecodesAgainOnlyWhatHasPassedBy) {
  Counts counts;
  const auto first = Open(kLarge, counts);
  for (int64_t block = 0; block < 30; ++block) Check(*first, block);
  const auto second = first->Clone();
  for (int64_t block = 30; block < 40; ++block) Check(*second, block);
  for (int64_t block = 30; block < 40; ++block) Check(*first, block);
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 640);
  for (int64_t block = 0; block < Blocks(*first); ++block) Check(*second, block);
  for (int64_t block = 0; block < Blocks(*first); ++block) Check(*first, block);
  EXPECT_EQ(counts.starts, 2);
  EXPECT_EQ(counts.rows, 640 + 1000);
}

TEST(TopDown, ALoneReaderMayGoUpAgain) {
  Counts counts;
  const auto reader = Open(kLarge, counts);
  for (int pass = 0; pass < 3; ++pass) {
    for (int64_t block = 0; block < Blocks(*reader); ++block) Check(*reader, block);
  }
  EXPECT_EQ(counts.starts, 2);
  EXPECT_EQ(counts.rows, 2 * 1000);
}

TEST(TopDown, EveryReaderHearsOfAFailureAndKeepsWhatIsAbove) {
  for (const DecodedRows::Size size : {kSmall, kLarge}) {
    Counts counts;
    const auto first = Open(size, counts, 40);
    const auto second = first->Clone();
    for (int i = 0; i < 2; ++i) {
      for (BlockReader* reader : {first.get(), second.get()}) {
        EXPECT_EQ(MessageOf(*reader, 3), "a.png: damaged");
        EXPECT_EQ(MessageOf(*reader, 2), "a.png: damaged");
        EXPECT_EQ(MessageOf(*reader, 1), "");
      }
    }
    EXPECT_EQ(counts.starts, 1);
  }
}

TEST(TopDown, ALoneReaderHearsOfAFailureAgain) {
  Counts counts;
  const auto reader = Open(kLarge, counts, 40);
  EXPECT_EQ(MessageOf(*reader, 0), "");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(MessageOf(*reader, 2), "a.png: damaged");
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(MessageOf(*reader->Clone(), 0), "");  // had passed by
  EXPECT_EQ(MessageOf(*reader, 2), "a.png: damaged");
  EXPECT_EQ(counts.starts, 2);
}

TEST(TopDown, AFolderThatCannotTakeTheRowsIsAnError) {
  const TempFolder folder;
  {
    const TemporaryFiles none("/nowhere");
    Counts counts;
    const auto first = Open(kLarge, counts);
    const auto second = first->Clone();
    for (BlockReader* reader : {first.get(), second.get()}) {
      EXPECT_EQ(MessageOf(*reader, 0),
                "a.png: the temporary file in /nowhere for its decoded rows, 93 MiB, cannot be created: "
                "No such file or directory");
    }
  }
  const TemporaryFiles here(folder / ".");
  const FileSizeLimit full(1 << 22);
  Counts counts;
  const auto first = Open(kLarge, counts);
  const auto second = first->Clone();
  EXPECT_EQ(MessageOf(*first, 1), "");
  for (BlockReader* reader : {first.get(), second.get()}) {
    EXPECT_EQ(MessageOf(*reader, 9), "a.png: the temporary file in " + folder / "." +
                                         " for its decoded rows, 93 MiB, cannot grow: File too large");
  }
  EXPECT_EQ(MessageOf(*second, 0), "");
}

TEST(TopDown, ClonesReadTogether) {
  const TempFolder folder;
  const Image image = Noise(64, 400, 3, 9);
  WritePng(folder / "a.png", image);
  const auto first = Slide::Open(folder / "a.png")->OpenRows();
  const auto second = first->Clone();
  Image from_thread;
  std::thread thread([&] { from_thread = ReadAll(*second, 3); });
  const Image here = ReadAll(*first, 5);
  thread.join();
  EXPECT_EQ(here, image);
  EXPECT_EQ(from_thread, image);
}

}  // namespace
}  // namespace swath
