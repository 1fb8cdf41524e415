/// Real slides against other readings of them: OpenSlide's, and libvips's where its command line tool is
/// there.
#include <gtest/gtest.h>
#include <openslide.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/slide/jp2k_image.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using namespace testing;

class RealSlides : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(Path(""))) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  }
  static std::string Path(const std::string& name) { return std::string(SWATH_SHARED_DATA) + "/" + name; }
};

/// A whole level in one call, over white.
Image OpenSlideLevel(const std::string& path, int level) {
  openslide_t* slide = openslide_open(path.c_str());
  int64_t width = 0;
  int64_t height = 0;
  openslide_get_level_dimensions(slide, level, &width, &height);
  std::vector<uint32_t> argb(static_cast<size_t>(width * height));
  openslide_read_region(slide, argb.data(), 0, 0, level, width, height);
  EXPECT_EQ(openslide_get_error(slide), nullptr);
  openslide_close(slide);
  Image image{width, height, 3};
  int64_t holes = 0;
  for (const uint32_t pixel : argb) {
    holes += pixel >> 24 != 255;
    for (const int shift : {16, 8, 0}) image.pixels.push_back(static_cast<uint8_t>(pixel >> shift));
  }
  EXPECT_EQ(holes, 0) << path << " level " << level;
  return image;
}

void ExpectOpenSlidesPixels(const std::string& path, size_t levels) {
  const auto slide = Slide::Open(path);
  ASSERT_EQ(slide->info().levels.size(), levels) << path;
  for (int level = 0; level < static_cast<int>(levels); ++level) {
    // OpenSlide 3.4 over a newer libtiff misplaces the rows of deflated tiles larger than their level.
    const SlideLevel& size = slide->info().levels[static_cast<size_t>(level)];
    if (slide->info().format == "tiff" && (size.width < size.tile_width || size.height < size.tile_height))
      continue;
    const auto rows = slide->OpenRows({.level = level});
    EXPECT_EQ(MaxDifference(ReadAll(*rows, 50), OpenSlideLevel(path, level)), 0)
        << path << " level " << level;
  }
}

TEST_F(RealSlides, EqualOpenSlidesOwnReading) {
  ExpectOpenSlidesPixels(Path("slides/CMU-1-Small-Region.svs"), 1);
  ExpectOpenSlidesPixels(Path("slides/test3-DAPI-2-387.ndpi"), 7);
  ExpectOpenSlidesPixels(Path("slides/boxes.tiff"), 4);
  ExpectOpenSlidesPixels(Path("slides/derived/cmu_deflate_tiled_pyramid.tif"), 5);
  ExpectOpenSlidesPixels(Path("slides/derived/cmu_jpeg_tiled_pyramid.tif"), 4);
  ExpectOpenSlidesPixels(Path("slides/yb10kx5k.zstd.tiff"), 5);
}

TEST_F(RealSlides, SmallSvsIsDecodedByLibtiffAndKeepsItsProperties) {
  const auto slide = Slide::Open(Path("slides/CMU-1-Small-Region.svs"));
  const SlideInfo& info = slide->info();
  EXPECT_EQ(info.format, "aperio");
  EXPECT_EQ(info.decoder, "libtiff");
  EXPECT_DOUBLE_EQ(*info.mpp_x, 0.499);
  EXPECT_EQ(info.levels[0].tile_height, 240);
  EXPECT_EQ(info.associated, (std::vector<std::string>{"label", "macro", "thumbnail"}));
}

TEST_F(RealSlides, RegionsOfAnNdpiEqualThoseOfTheWhole) {
  const auto slide = Slide::Open(Path("slides/test3-DAPI-2-387.ndpi"));
  const Image whole = ReadAll(*slide->OpenRows({.level = 1}), 100);
  const auto rows = slide->OpenRows({.level = 1, .region = Region{1000, 2002, 1500, 900}});
  EXPECT_EQ(ReadAll(*rows, 33), Crop(whole, 500, 1001, 750, 450));
  EXPECT_EQ(ReadAll(*Prefetch(rows->Clone()), 33), Crop(whole, 500, 1001, 750, 450));
}

TEST(Aperio, Jpeg2000TilesEqualOpenSlidesReading) {
  const TempFolder folder;
  Jp2kTiff tiff = CutToTiles(Noise(512, 512, 3, 1));
  tiff.description = "Aperio Image Library v1\r\n512x512";
  for (tiff.compression = 33003; tiff.compression <= 33005; tiff.compression += 2) {
    WriteJp2kTiff(folder / "a.svs", tiff);
    const auto slide = Slide::Open(folder / "a.svs");
    EXPECT_EQ(slide->info().decoder, "openjpeg");
    // From YCbCr OpenSlide rounds otherwise on the way to RGB.
    EXPECT_LE(MaxDifference(ReadAll(*slide->OpenRows()), OpenSlideLevel(folder / "a.svs", 0)),
              tiff.compression == 33003 ? 1 : 0);
  }
}

/// Missing tiles are OpenSlide's to fill from other levels.
TEST(Aperio, TilesWithoutBytesAreLeftToOpenSlide) {
  const TempFolder folder;
  Jp2kTiff tiff = CutToTiles(Noise(512, 512, 3, 1));
  tiff.description = "Aperio Image Library v1\r\n512x512";
  WriteJp2kTiff(folder / "a.svs", tiff);
  std::string bytes = test::ReadFile(folder / "a.svs");
  const auto size = static_cast<uint32_t>(tiff.tiles[2].size());
  const std::string stored(reinterpret_cast<const char*>(&size), sizeof size);  // as libtiff wrote it
  const size_t place = bytes.rfind(stored);
  ASSERT_NE(place, std::string::npos);
  bytes.replace(place, sizeof size, sizeof size, '\0');
  test::WriteFile(folder / "b.svs", bytes);
  const auto slide = Slide::Open(folder / "b.svs");
  EXPECT_EQ(slide->info().decoder, "openslide");
  const Image existence = ReadAll(*slide->OpenExistence());
  EXPECT_EQ(existence.at(300, 10, 0), 0);
  EXPECT_EQ(existence.at(10, 10, 0), 255);
}

/// libvips's reading as RGB; empty if there is no `vips`.
Image VipsPixels(const std::string& file, const std::string& options, const TempFolder& folder) {
  const std::string raw = folder / "raw";
  const std::string command = "vips rawsave '" + file + "[" + options + "]' '" + raw + "' 2> /dev/null";
  if (std::system(command.c_str()) != 0) return {};
  const std::string bytes = test::ReadFile(raw);
  return {0, 0, 3, std::vector<uint8_t>(bytes.begin(), bytes.end())};
}

Image AsRgb(const Image& grey) {
  Image rgb{0, 0, 3};
  for (const uint8_t value : grey.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, value);
  return rgb;
}

TEST_F(RealSlides, Jpeg2000TilesEqualLibvipssReading) {
  const TempFolder folder;
  const std::string slide = Path("slides/derived/cmu_jpeg_tiled_pyramid.tif");
  const std::string file = folder / "jp2k.tif";
  for (const std::string options : {"lossless", "Q=50"}) {
    const std::string command = "vips crop '" + slide + "' '" + file +
                                "[compression=jp2k,tile,tile_width=128,tile_height=128," + options +
                                "]' 300 200 300 280 2> /dev/null";
    if (std::system(command.c_str()) != 0) GTEST_SKIP() << "no vips with JPEG 2000";
    const Image read = ReadAll(*Slide::Open(file)->OpenRows(), 64);
    Image expected = VipsPixels(file, "page=0", folder);
    expected.width = read.width, expected.height = read.height;
    // libvips writes YCbCr, and rounds otherwise on the way back to RGB.
    EXPECT_LE(MaxDifference(read, expected), 1) << options;
    // A tile that ends early is an error, not a blurred picture.
    std::string bytes = test::ReadFile(file);
    bytes.replace(bytes.size() / 2, 64, 64, '\xff');
    test::WriteFile(file, bytes);
    try {
      ReadAll(*Slide::Open(file)->OpenRows());
    } catch (const Error& e) {
      EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    }
  }
}

TEST_F(RealSlides, EqualLibvipssReading) {
  if (std::system("vips --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "no vips";
  const TempFolder folder;
  struct Case {
    std::string file;
    std::string option;
    int first = 0;
    int levels = 1;
  };
  for (const Case& item :
       {Case{"slides/derived/cmu_bigtiff_subifd_jpeg.tif", "subifd", -1, 4},
        Case{"slides/derived/cmu_jpeg_tiled_pyramid.tif", "page", 0, 4},
        Case{"slides/derived/cmu_deflate_tiled_pyramid.tif", "page", 0, 5},
        Case{"slides/yb10kx5k.zstd.tiff", "page", 0, 5}, Case{"tiff-variants/BigTIFF.tif", "page"},
        Case{"tiff-variants/child_ifd.tiff", "subifd", -1, 3},
        Case{"tiff-variants/hopper_bigtiff.tif", "page"}, Case{"tiff-variants/hopper_webp.tif", "page"},
        Case{"tiff-variants/planar-rgb-u8.tif", "page"}, Case{"tiff-variants/quad-tile.jpg.tiff", "page"},
        Case{"tiff-variants/quad-tile.tif", "page"}, Case{"tiff-variants/tiff_strip_planar_lzw.tiff", "page"},
        Case{"tiff-variants/cramps-tile.tif", "page"}}) {
    const auto slide = Slide::Open(Path(item.file));
    ASSERT_EQ(slide->info().levels.size(), static_cast<size_t>(item.levels)) << item.file;
    for (int level = 0; level < item.levels; ++level) {
      const std::string option = item.option + "=" + std::to_string(item.first + level);
      Image expected = VipsPixels(Path(item.file), option, folder);
      const Image read = ReadAll(*slide->OpenRows({.level = level}), 64);
      if (slide->info().grey) expected = AsRgb(expected);
      EXPECT_EQ(read.pixels, expected.pixels) << item.file << " " << option;
    }
  }
}

}  // namespace
}  // namespace swath
