#include "slide/top_down.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"

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

/// Row y holds the byte y everywhere; counts rows and starts.
struct Counts {
  int starts = 0;
  int64_t rows = 0;
};

class CountingDecoder final : public RowDecoder {
 public:
  CountingDecoder(Counts& counts, int64_t row_bytes) : counts_(counts), row_bytes_(row_bytes) {
    ++counts_.starts;
  }
  int64_t buffer_bytes() const override { return 0; }
  void Next(uint8_t* row) override {
    std::fill_n(row, row_bytes_, static_cast<uint8_t>(next_++));
    ++counts_.rows;
  }

 private:
  Counts& counts_;
  int64_t row_bytes_;
  int64_t next_ = 0;
};

uint8_t FirstOfBlock(TopDownBlocks& reader, int64_t block) {
  std::vector<uint8_t> pixels(static_cast<size_t>(16 * 3));
  reader.Read(block, {5, 6}, pixels.data());
  return pixels[0];
}

TEST(TopDown, ASmallImageIsDecodedOnceForAllReaders) {
  Counts counts;
  TopDownBlocks first({100, 64, 3}, [&counts] { return std::make_unique<CountingDecoder>(counts, 300); });
  const auto second = first.Clone();
  EXPECT_EQ(FirstOfBlock(static_cast<TopDownBlocks&>(*second), 2), 32);
  EXPECT_EQ(FirstOfBlock(first, 0), 0);
  EXPECT_EQ(FirstOfBlock(first, 3), 48);
  EXPECT_EQ(FirstOfBlock(static_cast<TopDownBlocks&>(*second), 0), 0);
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(counts.rows, 64);
  EXPECT_EQ(first.buffer_bytes(), 100 * 64 * 3);
  EXPECT_EQ(second->buffer_bytes(), 0);
}

TEST(TopDown, ALargeImageIsDecodedAgainFromTheTop) {
  Counts counts;
  constexpr int64_t kWidth = int64_t{1} << 21;  // 6 MiB a row, 192 MiB in all
  TopDownBlocks reader({kWidth, 32, 3},
                       [&counts] { return std::make_unique<CountingDecoder>(counts, kWidth * 3); });
  EXPECT_EQ(reader.buffer_bytes(), kWidth * 3);
  EXPECT_EQ(FirstOfBlock(reader, 0), 0);
  EXPECT_EQ(FirstOfBlock(reader, 1), 16);
  EXPECT_EQ(counts.starts, 1);
  EXPECT_EQ(FirstOfBlock(reader, 0), 0);
  EXPECT_EQ(counts.starts, 2);
  EXPECT_EQ(counts.rows, 48);
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
