#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <string>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"

namespace swath {
namespace {

using namespace testing;

struct Layout {
  std::string name;
  TiffSpec spec;
  int64_t width = 131;
  int64_t height = 93;
};

void PrintTo(const Layout& layout, std::ostream* out) { *out << layout.name; }

class Lossless : public ::testing::TestWithParam<Layout> {};

TEST_P(Lossless, PixelsComeBackAtAnyStep) {
  const auto& [name, spec, width, height] = GetParam();
  const TempFolder folder;
  const Image image = Noise(width, height, 3, 1);
  WriteTiff(folder / "a.tif", {image}, spec);
  const auto slide = Slide::Open(folder / "a.tif");
  EXPECT_EQ(slide->info().format, "tiff");
  const auto rows = slide->OpenRows();
  for (const int64_t step : {int64_t{1}, int64_t{7}, rows->natural_rows(), rows->height()}) {
    EXPECT_EQ(ReadAll(*rows, step), image) << "step " << step;
  }
  EXPECT_EQ(ReadAll(*rows->Clone()), image);
  EXPECT_EQ(slide->OpenExistence(), nullptr);
}

INSTANTIATE_TEST_SUITE_P(
    Layouts, Lossless,
    ::testing::Values(
        Layout{"tiles", {.tile_width = 32, .tile_height = 16}},
        Layout{"tiles_deflate",
               {.tile_width = 16, .tile_height = 48, .compression = COMPRESSION_ADOBE_DEFLATE}},
        Layout{"tiles_lzw", {.tile_width = 64, .tile_height = 64, .compression = COMPRESSION_LZW}},
        Layout{"tiles_zstd", {.tile_width = 64, .tile_height = 32, .compression = COMPRESSION_ZSTD}},
        Layout{"tile_larger_than_image", {.tile_width = 256, .tile_height = 256}},
        Layout{"tiles_planes", {.tile_width = 32, .tile_height = 32, .separate_planes = true}},
        Layout{"strips", {.rows_per_strip = 8}},
        Layout{"strips_of_one_row", {.rows_per_strip = 1, .compression = COMPRESSION_PACKBITS}},
        Layout{"one_strip_lzw", {.rows_per_strip = 93, .compression = COMPRESSION_LZW}},
        Layout{"strips_planes",
               {.rows_per_strip = 10, .compression = COMPRESSION_LZW, .separate_planes = true}},
        Layout{"big", {.tile_width = 32, .tile_height = 32, .big = true}},
        Layout{"one_pixel", {.tile_width = 16, .tile_height = 16}, 1, 1},
        Layout{"one_column", {.rows_per_strip = 3}, 1, 50},
        Layout{"one_row", {.tile_width = 16, .tile_height = 16}, 77, 1}),
    [](const auto& test) { return test.param.name; });

TEST(Tiff, JpegIsCloseToWhatWasWritten) {
  const TempFolder folder;
  const Image image = Smooth(200, 150, 3);
  for (const int photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR}) {
    for (const int64_t tile : {int64_t{64}, int64_t{0}}) {
      TiffSpec spec{
          .tile_width = tile, .tile_height = tile, .rows_per_strip = 16, .compression = COMPRESSION_JPEG};
      spec.photometric = photometric;
      WriteTiff(folder / "a.tif", {image}, spec);
      EXPECT_LE(MaxDifference(ReadAll(*Slide::Open(folder / "a.tif")->OpenRows()), image), 8);
    }
  }
}

TEST(Tiff, LevelsAreFoundInPagesAndInSubIfds) {
  const TempFolder folder;
  const Image image = Noise(301, 207, 3, 2);
  const std::vector<Image> levels{image, Subsample(image, 2), Subsample(image, 4)};
  for (const Pyramid pyramid : {Pyramid::kPages, Pyramid::kSubIfds}) {
    WriteTiff(folder / "a.tif", levels,
              {.tile_width = 32, .tile_height = 32, .big = true, .mpp = 0.5, .pyramid = pyramid});
    const auto slide = Slide::Open(folder / "a.tif");
    ASSERT_EQ(slide->info().levels.size(), 3u);
    EXPECT_NEAR(*slide->info().mpp_x, 0.5, 1e-6);
    for (int level = 0; level < 3; ++level) {
      EXPECT_EQ(ReadAll(*slide->OpenRows({.level = level})), levels[static_cast<size_t>(level)]);
    }
    EXPECT_NEAR(slide->info().levels[2].downsample, 4, 0.05);
  }
}

TEST(Tiff, PagesOfAnotherShapeAreNotLevels) {
  const TempFolder folder;
  WriteTiff(folder / "a.tif", {Noise(100, 100, 3, 1), Noise(50, 30, 3, 2)}, {.rows_per_strip = 10});
  const auto slide = Slide::Open(folder / "a.tif");
  EXPECT_EQ(slide->info().levels.size(), 1u);
  EXPECT_EQ(slide->info().associated, std::vector<std::string>{"page 1 (50x30)"});
}

TEST(Tiff, GreyPaletteAndPackedSamplesBecomeRgb) {
  const TempFolder folder;
  for (const int bits : {1, 2, 4, 8}) {
    Image grey = Noise(45, 20, 1, 3);
    const int largest = (1 << bits) - 1;
    for (auto& v : grey.pixels) v = static_cast<uint8_t>(v & largest);
    for (const int photometric : {PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_PALETTE}) {
      if (photometric == PHOTOMETRIC_PALETTE && bits != 8) continue;
      WriteTiff(folder / "a.tif", {grey}, {.rows_per_strip = 6, .photometric = photometric, .bits = bits});
      const auto slide = Slide::Open(folder / "a.tif");
      EXPECT_EQ(slide->info().grey, photometric != PHOTOMETRIC_PALETTE);
      const Image read = ReadAll(*slide->OpenRows());
      for (int64_t i = 0; i < 45 * 20; ++i) {
        const int v = grey.pixels[static_cast<size_t>(i)];
        const int shown = (photometric == PHOTOMETRIC_MINISWHITE ? largest - v : v) * 255 / largest;
        const bool palette = photometric == PHOTOMETRIC_PALETTE;
        ASSERT_EQ(read.at(0, i, 0), palette ? v : shown);
        ASSERT_EQ(read.at(0, i, 1), palette ? 255 - v : shown);
        ASSERT_EQ(read.at(0, i, 2), palette ? 7 : shown);
      }
    }
  }
}

TEST(Tiff, AlphaIsBlendedOverWhiteAndItsHolesDoNotExist) {
  const TempFolder folder;
  Image image{3, 1, 4, {10, 20, 30, 255, 10, 20, 30, 51, 0, 0, 0, 0}};
  WriteTiff(folder / "a.tif", {image}, {.rows_per_strip = 1, .extra_sample = EXTRASAMPLE_UNASSALPHA});
  const auto slide = Slide::Open(folder / "a.tif");
  EXPECT_THAT(ReadAll(*slide->OpenRows()).pixels,
              ::testing::ElementsAre(10, 20, 30, 206, 208, 210, 255, 255, 255));
  const auto existence = slide->OpenExistence();
  ASSERT_NE(existence, nullptr);
  EXPECT_THAT(ReadAll(*existence).pixels, ::testing::ElementsAre(255, 255, 0));
  WriteTiff(folder / "b.tif", {image}, {.rows_per_strip = 1, .extra_sample = EXTRASAMPLE_ASSOCALPHA});
  EXPECT_THAT(ReadAll(*Slide::Open(folder / "b.tif")->OpenRows()).pixels,
              ::testing::ElementsAre(10, 20, 30, 214, 224, 234, 255, 255, 255));
}

TEST(Tiff, TilesNeverWrittenAreWhiteAndDoNotExist) {
  const TempFolder folder;
  const Image image = Noise(64, 32, 3, 4);
  WriteTiff(folder / "a.tif", {image}, {.tile_width = 32, .tile_height = 16, .unwritten_tile = 1});
  const auto slide = Slide::Open(folder / "a.tif");
  const Image read = ReadAll(*slide->OpenRows());
  const Image existence = ReadAll(*slide->OpenExistence());
  for (int64_t y = 0; y < 32; ++y) {
    for (int64_t x = 0; x < 64; ++x) {
      const bool hole = y < 16 && x >= 32;
      ASSERT_EQ(existence.at(y, x, 0), hole ? 0 : 255);
      ASSERT_EQ(read.at(y, x, 1), hole ? 255 : image.at(y, x, 1));
    }
  }
}

void ExpectRefused(const std::string& path, const std::string& reason) {
  try {
    Slide::Open(path);
    FAIL() << "opened, expected: " << reason;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << e.what();
    EXPECT_THAT(e.what(), ::testing::HasSubstr(path));
    EXPECT_THAT(e.what(), ::testing::HasSubstr(reason));
  }
}

TEST(Tiff, RefusesWhatItCannotReadExactly) {
  const TempFolder folder;
  const Image rgb = Noise(20, 20, 3, 5);
  const Image four = Noise(20, 20, 4, 5);
  WriteTiff(folder / "cmyk.tif", {four}, {.rows_per_strip = 5, .photometric = PHOTOMETRIC_SEPARATED});
  ExpectRefused(folder / "cmyk.tif", "CMYK");
  WriteTiff(folder / "extra.tif", {four}, {.rows_per_strip = 5, .extra_sample = EXTRASAMPLE_UNSPECIFIED});
  ExpectRefused(folder / "extra.tif", "4 samples a pixel");
  WriteTiff(folder / "lab.tif", {rgb}, {.rows_per_strip = 5, .photometric = PHOTOMETRIC_CIELAB});
  ExpectRefused(folder / "lab.tif", "photometric");
}

std::string Ome(const std::string& pixels, const std::string& inside) {
  return "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image>"
         "<Pixels SizeC=\"3\" " +
         pixels + ">" + inside + "</Pixels></Image></OME>";
}

TEST(Tiff, AnOmeTiffSaysItsPixelSize) {
  const TempFolder folder;
  const Image image = Noise(64, 48, 3, 5), half = Noise(32, 24, 3, 6);
  TiffSpec spec{.tile_width = 16, .tile_height = 16, .mpp = 0.5, .pyramid = Pyramid::kSubIfds};
  spec.description =
      Ome("SizeZ=\"1\" SizeT=\"1\" PhysicalSizeX=\"250\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\".3\"",
          "<Channel SamplesPerPixel=\"3\"/>");
  WriteTiff(folder / "a.ome.tif", {image, half}, spec);
  const auto slide = Slide::Open(folder / "a.ome.tif");
  EXPECT_EQ(slide->info().levels.size(), 2);
  EXPECT_DOUBLE_EQ(*slide->info().mpp_x, 0.25);
  EXPECT_DOUBLE_EQ(*slide->info().mpp_y, 0.3);
  EXPECT_EQ(ReadAll(*slide->OpenRows({.level = 1})), half);
  EXPECT_DOUBLE_EQ(*Slide::Open(folder / "a.ome.tif", {.mpp = 2})->info().mpp_x, 2);
  EXPECT_EQ(Slide::Open(folder / "a.ome.tif", {.mpp = 2})->OpenRows({.mpp = 4})->width(), 32);
}

TEST(Tiff, AnOmeTiffOfSeveralPlanesOrFilesIsRefused) {
  const TempFolder folder;
  const auto write = [&](const std::string& description) {
    WriteTiff(folder / "a.tif", {Noise(16, 16, 1, 5)}, {.rows_per_strip = 4, .description = description});
  };
  write(Ome("SizeZ=\"3\" SizeT=\"1\"", "<Channel/>"));
  ExpectRefused(folder / "a.tif", "3 focal planes");
  write(Ome("SizeZ=\"1\" SizeT=\"1\"", "<Channel/><Channel/>"));
  ExpectRefused(folder / "a.tif", "2 channels");
  write(Ome("SizeZ=\"1\" SizeT=\"1\"",
            "<TiffData><UUID FileName=\"a.tif\"/></TiffData>"
            "<TiffData><UUID FileName=\"b.tif\"/></TiffData>"));
  ExpectRefused(folder / "a.tif", "2 files (a.tif, b.tif)");
  write("<OME><BinaryOnly MetadataFile=\"c.companion.ome\"/></OME>");
  ExpectRefused(folder / "a.tif", "c.companion.ome");
  write("<OME><Image><Pixels");
  EXPECT_THROW(Slide::Open(folder / "a.tif"), Error);
}

TEST(Tiff, RefusesAStripTooLargeToHold) {
  const TempFolder folder;
  Image image{6000, 4000, 3};
  image.pixels.assign(static_cast<size_t>(6000 * 4000 * 3), 77);
  WriteTiff(folder / "a.tif", {image}, {.rows_per_strip = 4000, .compression = COMPRESSION_LZW});
  ExpectRefused(folder / "a.tif", "at most 64 MiB");
}

}  // namespace
}  // namespace swath
