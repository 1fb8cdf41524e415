/// TIFFs that are stored mirrored or turned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "slide/level_rows.h"
#include "slide/oriented_blocks.h"
#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using namespace testing;

/// TIFF 6.0, page 36: where row 0 and column 0 are.
Image Seen(const Image& stored, int orientation) {
  const bool turned = orientation >= 5;
  Image seen{turned ? stored.height : stored.width, turned ? stored.width : stored.height, stored.channels};
  seen.pixels.resize(stored.pixels.size());
  for (int64_t row = 0; row < stored.height; ++row) {
    for (int64_t column = 0; column < stored.width; ++column) {
      const int64_t back_row = stored.height - 1 - row, back_column = stored.width - 1 - column;
      const int64_t places[8][2] = {{row, column},           {row, back_column}, {back_row, back_column},
                                    {back_row, column},      {column, row},      {column, back_row},
                                    {back_column, back_row}, {back_column, row}};
      const auto [y, x] = places[orientation - 1];
      for (int64_t c = 0; c < stored.channels; ++c) seen.at(y, x, c) = stored.at(row, column, c);
    }
  }
  return seen;
}

struct Layout {
  std::string name;
  TiffSpec spec;
  int64_t channels = 3;
};

void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

class Oriented : public ::testing::TestWithParam<Layout> {};

TEST_P(Oriented, PixelsAreThoseOfTheUprightFileTurned) {
  auto [name, spec, channels] = GetParam();
  const TempFolder folder;
  Image image = Noise(131, 93, channels, 1);
  if (spec.bits < 8) {
    for (auto& value : image.pixels) value = static_cast<uint8_t>(value >> (8 - spec.bits));
  }
  if (spec.compression == COMPRESSION_JPEG) image = Smooth(131, 93, channels);
  WriteTiff(folder / "upright.tif", {image}, spec);
  const auto upright = Slide::Open(folder / "upright.tif");
  for (spec.orientation = 2; spec.orientation <= 8; ++spec.orientation) {
    const std::string path = folder / "turned.tif";
    WriteTiff(path, {image}, spec);
    const auto slide = Slide::Open(path);
    const Image expected = Seen(ReadAll(*upright->OpenRows()), spec.orientation);
    ASSERT_EQ(slide->info().levels[0].width, expected.width);
    ASSERT_EQ(slide->info().levels[0].height, expected.height);
    EXPECT_EQ(slide->info().bounds.width, expected.width);
    const auto rows = slide->OpenRows();
    for (const int64_t step : {int64_t{1}, int64_t{7}, rows->natural_rows(), rows->height()}) {
      EXPECT_EQ(ReadAll(*rows, step), expected) << spec.orientation << " step " << step;
      EXPECT_EQ(ReadAll(*Prefetch(rows->Clone()), step), expected) << spec.orientation << " step " << step;
    }
    EXPECT_EQ(ReadAll(*slide->OpenRows({.region = Region{31, 17, 50, 60}})), Crop(expected, 31, 17, 50, 60));
    ASSERT_EQ(slide->OpenExistence() == nullptr, upright->OpenExistence() == nullptr);
    if (const auto existence = slide->OpenExistence()) {
      EXPECT_EQ(ReadAll(*existence), Seen(ReadAll(*upright->OpenExistence()), spec.orientation));
    }
    if (channels == 1 && spec.compression != COMPRESSION_JPEG) {
      EXPECT_EQ(ReadAll(*OpenMask(path, expected.width, expected.height)),
                Seen(ReadAll(*OpenMask(folder / "upright.tif", 131, 93)), spec.orientation));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, Oriented,
    ::testing::Values(
        Layout{"tiles", {.tile_width = 32, .tile_height = 16}},
        Layout{"tile_larger_than_image", {.tile_width = 256, .tile_height = 256}},
        Layout{"tiles_planes", {.tile_width = 32, .tile_height = 48, .separate_planes = true}},
        Layout{"tiles_jpeg",
               {.tile_width = 64,
                .tile_height = 32,
                .compression = COMPRESSION_JPEG,
                .photometric = PHOTOMETRIC_YCBCR}},
        Layout{"unwritten_tile", {.tile_width = 32, .tile_height = 16, .big = true, .unwritten_tile = 7}},
        Layout{"alpha", {.tile_width = 32, .tile_height = 16, .extra_sample = EXTRASAMPLE_UNASSALPHA}, 4},
        Layout{"strips", {.rows_per_strip = 8, .compression = COMPRESSION_LZW}},
        Layout{"one_strip", {.rows_per_strip = 93}},
        Layout{"strips_planes", {.rows_per_strip = 10, .separate_planes = true}},
        Layout{"strips_jpeg", {.rows_per_strip = 16, .compression = COMPRESSION_JPEG}},
        Layout{"grey", {.tile_width = 32, .tile_height = 16}, 1},
        Layout{"palette", {.rows_per_strip = 8, .photometric = PHOTOMETRIC_PALETTE}, 1},
        Layout{"packed", {.rows_per_strip = 8, .bits = 2}, 1}),
    [](const auto& test) { return test.param.name; });

TEST(Orientation, LevelsAndPixelSizesAreTurned) {
  const TempFolder folder;
  const Image image = Noise(302, 208, 3, 2), half = Subsample(image, 2);
  for (const int orientation : {3, 6}) {
    TiffSpec spec{
        .tile_width = 64, .tile_height = 32, .orientation = orientation, .pyramid = Pyramid::kSubIfds};
    spec.description =
        R"(<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image>
           <Pixels SizeC="3" SizeZ="1" SizeT="1" PhysicalSizeX="0.25" PhysicalSizeY="0.5">
           <Channel SamplesPerPixel="3"/></Pixels></Image></OME>)";
    WriteTiff(folder / "a.ome.tif", {image, half}, spec);
    const auto slide = Slide::Open(folder / "a.ome.tif");
    const SlideInfo& info = slide->info();
    ASSERT_EQ(info.levels.size(), 2u);
    EXPECT_EQ(ReadAll(*slide->OpenRows({.level = 1})), Seen(half, orientation));
    EXPECT_DOUBLE_EQ(info.levels[1].downsample, 2);
    const bool turned = orientation == 6;
    EXPECT_EQ(info.levels[0].width, turned ? 208 : 302);
    EXPECT_EQ(info.levels[0].tile_width, turned ? 32 : 64);
    EXPECT_DOUBLE_EQ(*info.mpp_x, turned ? 0.5 : 0.25);
    EXPECT_DOUBLE_EQ(*info.mpp_y, turned ? 0.25 : 0.5);
  }
}

TEST(Orientation, StripsToBeTurnedMustBeHeldWhole) {
  const TempFolder folder;
  Image image{6000, 4000, 3};
  image.pixels.assign(static_cast<size_t>(6000 * 4000 * 3), 77);
  TiffSpec spec{.rows_per_strip = 64, .compression = COMPRESSION_LZW, .orientation = 4};
  WriteTiff(folder / "a.tif", {image}, spec);
  EXPECT_EQ(Slide::Open(folder / "a.tif")->info().levels[0].height, 4000);
  spec.orientation = 8;
  WriteTiff(folder / "a.tif", {image}, spec);
  try {
    Slide::Open(folder / "a.tif");
    FAIL() << "opened";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("orientation 8 of 6000x4000 pixels in strips"));
  }
}

/// Counts how often each block is decoded.
class CountedBlocks final : public BlockReader {
 public:
  explicit CountedBlocks(std::vector<int>* reads) : reads_(*reads) {}
  int64_t width() const override { return 100; }
  int64_t height() const override { return 70; }
  int64_t block_rows() const override { return 16; }
  int64_t buffer_bytes() const override { return 0; }
  void Read(int64_t block, Range columns, uint8_t* dst) override {
    ++reads_[static_cast<size_t>(block)];
    const int64_t rows = std::min<int64_t>(16, 70 - 16 * block);
    std::fill(dst, dst + rows * columns.size(), static_cast<uint8_t>(block));
  }
  std::unique_ptr<BlockReader> Clone() const override { return nullptr; }

 private:
  std::vector<int>& reads_;
};

TEST(Orientation, NoBlockIsDecodedTwice) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const bool turned = orientation >= 5;
    for (const int64_t step : {1, 6, 16, 23, 100}) {
      std::vector<int> reads(5);
      LevelRows rows("counted",
                     OrientBlocks(std::make_unique<CountedBlocks>(&reads), Pixels::kLabels,
                                  TiffOrientation(orientation), 32),
                     turned ? LevelWindow{{0, 100}, {0, 70}} : LevelWindow{{0, 70}, {0, 100}},
                     Pixels::kLabels);
      ReadAll(rows, step);
      // Where rows are columns, each of 4 columns of tiles asks for its tiles.
      EXPECT_THAT(reads, ::testing::Each(turned ? 4 : 1)) << orientation << " step " << step;
    }
  }
}

/// Pixels as `vips autorot` turns them; empty if there is no such program.
std::vector<uint8_t> VipsTurned(const std::string& path, const TempFolder& folder) {
  const std::string turned = folder / "turned.v", raw = folder / "raw";
  const std::string command =
      "vips autorot '" + path + "' '" + turned + "' && vips rawsave '" + turned + "' '" + raw + "'";
  if (std::system(("( " + command + " ) > /dev/null 2>&1").c_str()) != 0) return {};
  const std::string bytes = test::ReadFile(raw);
  return {bytes.begin(), bytes.end()};
}

TEST(Orientation, EqualsVipss) {
  if (std::system("vips --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no vips";
  const TempFolder folder;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string path = folder / "a.tif";
    WriteTiff(path, {Noise(77, 50, 3, 1)}, {.tile_width = 32, .tile_height = 16, .orientation = orientation});
    EXPECT_EQ(ReadAll(*Slide::Open(path)->OpenRows()).pixels, VipsTurned(path, folder)) << orientation;
  }
  const std::string real = std::string(SWATH_SHARED_DATA) + "/slides/test_orient3.tif";
  if (!std::filesystem::exists(real)) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  const auto slide = Slide::Open(real);
  Image read = ReadAll(*slide->OpenRows());
  if (slide->info().grey) {  // as it is stored
    for (size_t i = 0; i < read.pixels.size() / 3; ++i) read.pixels[i] = read.pixels[3 * i];
    read.pixels.resize(read.pixels.size() / 3);
  }
  EXPECT_EQ(read.pixels, VipsTurned(real, folder));
}

}  // namespace
}  // namespace swath
