#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <cmath>
#include <random>

#include "slide/area_rows.h"
#include "swath/error.h"
#include "swath/extended_rows.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/support/columns.h"

namespace swath {
namespace {

using namespace testing;

class Rows : public ::testing::Test {
 protected:
  void SetUp() override {
    image_ = Noise(301, 207, 3, 6);
    WriteTiff(folder_ / "a.tif", {image_, Subsample(image_, 2), Subsample(image_, 4)},
              {.tile_width = 32, .tile_height = 32, .compression = COMPRESSION_LZW, .mpp = 0.5});
    slide_ = Slide::Open(folder_ / "a.tif");
  }

  ErrorCode CodeOf(const RowOptions& options) {
    try {
      slide_->OpenRows(options);
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), ::testing::HasSubstr(folder_ / "a.tif"));
      return e.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::kOutput;
  }

  TempFolder folder_;
  Image image_;
  std::unique_ptr<Slide> slide_;
};

TEST_F(Rows, ARegionIsTheImage) {
  std::mt19937 random(7);
  for (int i = 0; i < 50; ++i) {
    Region region;
    region.x = static_cast<int64_t>(random() % 301);
    region.y = static_cast<int64_t>(random() % 207);
    region.width = 1 + static_cast<int64_t>(random() % static_cast<unsigned>(301 - region.x));
    region.height = 1 + static_cast<int64_t>(random() % static_cast<unsigned>(207 - region.y));
    const auto rows = slide_->OpenRows({.region = region});
    EXPECT_EQ(ReadAll(*rows, 1 + static_cast<int64_t>(random() % 40)),
              Crop(image_, region.x, region.y, region.width, region.height));
  }
}

TEST_F(Rows, ARegionOfALowerLevelIsRounded) {
  const auto rows = slide_->OpenRows({.level = 1, .region = Region{40, 21, 101, 60}});
  const Image level = Subsample(image_, 2);
  EXPECT_EQ(ReadAll(*rows), Crop(level, 20, 10, 50, 30));
  const auto dot = slide_->OpenRows({.level = 2, .region = Region{300, 206, 1, 1}});
  EXPECT_EQ(dot->width(), 1);
  EXPECT_EQ(dot->height(), 1);
}

TEST_F(Rows, ReadsInAnyOrderAgree) {
  const auto rows = slide_->OpenRows({.region = Region{3, 5, 280, 190}});
  const Image expected = Crop(image_, 3, 5, 280, 190);
  std::mt19937 random(8);
  for (int i = 0; i < 200; ++i) {
    const auto begin = static_cast<int64_t>(random() % 190);
    const int64_t end = begin + 1 + static_cast<int64_t>(random() % static_cast<unsigned>(190 - begin));
    Image part{280, end - begin, 3, std::vector<uint8_t>(static_cast<size_t>((end - begin) * 280 * 3))};
    rows->Read({begin, end}, part.pixels.data());
    ASSERT_EQ(part, Crop(expected, 0, begin, 280, end - begin));
  }
}

TEST_F(Rows, RefusesWhatTheSlideDoesNotHave) {
  EXPECT_EQ(CodeOf({.level = 3}), ErrorCode::kUsage);
  EXPECT_EQ(CodeOf({.level = -1}), ErrorCode::kUsage);
  EXPECT_EQ(CodeOf({.level = 0, .mpp = 1.0}), ErrorCode::kUsage);
  EXPECT_EQ(CodeOf({.mpp = 0.0}), ErrorCode::kUsage);
  EXPECT_EQ(CodeOf({.mpp = 0.3}), ErrorCode::kInput);
  constexpr int64_t kHuge = INT64_MAX - 1;
  for (const Region& region :
       {Region{-1, 0, 5, 5}, Region{0, 0, 302, 5}, Region{300, 0, 2, 5}, Region{0, 206, 5, 2},
        Region{0, 0, 0, 5}, Region{kHuge, 0, kHuge, 5}, Region{5, 5, kHuge, 5}}) {
    EXPECT_EQ(CodeOf({.region = region}), ErrorCode::kInput);
  }
}

TEST_F(Rows, PixelSizeChoosesTheNearestFinerLevel) {
  EXPECT_EQ(ReadAll(*slide_->OpenRows({.mpp = 0.5})), image_);
  EXPECT_EQ(ReadAll(*slide_->OpenRows({.mpp = 0.499})), image_);  // within 1 %
  EXPECT_EQ(slide_->OpenRows({.mpp = 0.75})->width(), 201);       // from level 0
  EXPECT_EQ(slide_->OpenRows({.mpp = 1.5})->width(), 100);        // from level 1
  EXPECT_EQ(slide_->OpenRows({.mpp = 1e9})->width(), 1);
}

TEST_F(Rows, AModelsPixelSizeIsReadWhereNothingElseIsWantedAndTheSlideSaysItsOwn) {
  EXPECT_EQ(slide_->OpenRows({.model_mpp = 0.75})->width(), 201);
  EXPECT_EQ(ReadAll(*slide_->OpenRows({.level = 0, .model_mpp = 0.75})), image_);
  EXPECT_EQ(slide_->OpenRows({.mpp = 1.5, .model_mpp = 0.75})->width(), 100);
  EXPECT_EQ(CodeOf({.model_mpp = 0.3}), ErrorCode::kInput);
  // Another scanner of the same magnification.
  EXPECT_EQ(CodeOf({.mpp = 0.46}), ErrorCode::kInput);
  EXPECT_EQ(CodeOf({.model_mpp = 0.45}), ErrorCode::kInput);
  EXPECT_EQ(ReadAll(*slide_->OpenRows({.model_mpp = 0.46})), image_);
  EXPECT_EQ(slide_->PixelSize({.model_mpp = 0.46}), 0.5);
  const TempFolder folder;
  WriteTiff(folder / "b.tif", {image_}, {.tile_width = 32, .tile_height = 32});
  EXPECT_EQ(ReadAll(*Slide::Open(folder / "b.tif")->OpenRows({.model_mpp = 0.75})), image_);
}

TEST_F(Rows, SayTheirPixelSize) {
  EXPECT_EQ(slide_->PixelSize(), 0.5);
  EXPECT_EQ(slide_->PixelSize({.level = 1}), 0.5 * slide_->info().levels[1].downsample);
  EXPECT_EQ(slide_->PixelSize({.mpp = 0.499}), 0.5) << "the level as it is";
  EXPECT_EQ(slide_->PixelSize({.mpp = 0.75}), 0.75);
  EXPECT_EQ(slide_->PixelSize({.model_mpp = 0.75}), 0.75);
  const TempFolder folder;
  WriteTiff(folder / "b.tif", {image_}, {.tile_width = 32, .tile_height = 32});
  EXPECT_FALSE(Slide::Open(folder / "b.tif")->PixelSize({.model_mpp = 0.75}));
}

TEST_F(Rows, ReadingAheadHoldsTwoBlocksAndACacheOnlyForRowsOffTheTiles) {
  constexpr int64_t kBlock = 32 * 301 * 3;
  const int64_t alone = slide_->OpenRows()->buffer_bytes();
  EXPECT_EQ(Prefetch(slide_->OpenRows())->buffer_bytes(), alone + kBlock);
  const Region off{0, 5, 301, 200};
  EXPECT_EQ(Prefetch(slide_->OpenRows({.region = off}))->buffer_bytes(), alone + 2 * kBlock);
}

/// The definition, in floating point.
double AreaMean(const Image& image, int64_t width, int64_t height, int64_t y, int64_t x, int64_t c) {
  const double step_x = static_cast<double>(image.width) / static_cast<double>(width);
  const double step_y = static_cast<double>(image.height) / static_cast<double>(height);
  const auto overlap = [](double step, int64_t i, int64_t s) {
    const double begin = std::max(step * static_cast<double>(i), static_cast<double>(s));
    return std::max(0.0, std::min(step * static_cast<double>(i + 1), static_cast<double>(s + 1)) - begin);
  };
  double sum = 0;
  for (int64_t sy = 0; sy < image.height; ++sy) {
    for (int64_t sx = 0; sx < image.width; ++sx) {
      const double area = overlap(step_y, y, sy) * overlap(step_x, x, sx);
      if (area > 0) sum += area * image.at(sy, sx, c);
    }
  }
  return sum / (step_x * step_y);
}

TEST_F(Rows, AveragesByArea) {
  const Region region{10, 20, 101, 67};
  const auto rows = slide_->OpenRows({.mpp = 0.8, .region = region});
  ASSERT_EQ(rows->width(), 63);
  ASSERT_EQ(rows->height(), 42);
  const Image source = Crop(image_, 10, 20, 101, 67);
  const Image read = ReadAll(*rows, 5);
  for (int64_t y = 0; y < 42; ++y) {
    for (int64_t x = 0; x < 63; ++x) {
      ASSERT_NEAR(read.at(y, x, 1), AreaMean(source, 63, 42, y, x, 1), 0.5001);
    }
  }
  EXPECT_EQ(ReadAll(*rows, 1), read);
  EXPECT_EQ(ReadAll(*rows->Clone(), 42), read);
}

TEST_F(Rows, ColumnsAreThoseOfWholeRows) {
  const Region region{10, 20, 101, 67};
  for (const RowOptions& options : {RowOptions{}, RowOptions{.level = 2}, RowOptions{.region = region},
                                    RowOptions{.mpp = 0.8}, RowOptions{.mpp = 1.3, .region = region}}) {
    test::ExpectColumnsOf(*slide_->OpenRows(options));
    test::ExpectColumnsOf(*Prefetch(slide_->OpenRows(options)));
  }
  test::ExpectColumnsOf(*ExtendedRows(slide_->OpenRows(), 320, 210, 255));
}

TEST_F(Rows, ColumnsHoldTheirOwnTilesOnly) {
  const auto rows = slide_->OpenRows();
  EXPECT_EQ(rows->CloneColumns({64, 128})->buffer_bytes(), rows->buffer_bytes() - 32 * (301 - 64) * 3);
}

TEST_F(Rows, AnAveragedPixelExistsIfAllUnderItDo) {
  const TempFolder folder;
  WriteTiff(
      folder / "b.tif", {Noise(64, 64, 3, 1)},
      {.tile_width = 16, .tile_height = 16, .mpp = 1, .unwritten_tile = 5});  // pixels 16 to 31 both ways
  const auto existence = Slide::Open(folder / "b.tif")->OpenExistence({.mpp = 64.0 / 21});
  ASSERT_EQ(existence->width(), 21);
  const Image read = ReadAll(*existence);
  for (int64_t y = 0; y < 21; ++y) {
    for (int64_t x = 0; x < 21; ++x) {
      const auto touches = [](int64_t i) { return i * 64 < 32 * 21 && (i + 1) * 64 > 16 * 21; };
      ASSERT_EQ(read.at(y, x, 0), touches(y) && touches(x) ? 0 : 255);
    }
  }
}

}  // namespace
}  // namespace swath
