#include "swath/pyramid_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <random>
#include <utility>
#include <vector>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

struct Level {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t subfile = 0;
  uint16_t sample_bits = 0;
  uint16_t sample_format = 0;
  float resolution = 0;
  std::vector<uint8_t> pixels = {};  ///< bytes of [row, column, channel]
};

Level ReadLevel(TIFF* tiff, int64_t pixel_bytes) {
  Level level;
  uint16_t unit = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &level.width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &level.height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SUBFILETYPE, &level.subfile);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &level.sample_bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &level.sample_format);
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &level.resolution) != 0) {
    TIFFGetField(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    EXPECT_EQ(unit, RESUNIT_CENTIMETER);
  }
  if (pixel_bytes == 3) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  level.pixels.resize(static_cast<size_t>(level.width) * level.height * pixel_bytes);
  std::vector<uint8_t> tile(TIFFTileSize(tiff));
  EXPECT_EQ(static_cast<int64_t>(tile.size()), 256 * 256 * pixel_bytes);
  for (uint32_t top = 0; top < level.height; top += 256) {
    for (uint32_t left = 0; left < level.width; left += 256) {
      EXPECT_GT(TIFFReadTile(tiff, tile.data(), left, top, 0, 0), 0);
      const int64_t count = std::min(256u, level.width - left) * pixel_bytes;
      for (uint32_t y = top; y < std::min(top + 256, level.height); ++y) {
        std::copy_n(tile.data() + (y - top) * 256 * pixel_bytes, count,
                    level.pixels.data() + (static_cast<int64_t>(y) * level.width + left) * pixel_bytes);
      }
    }
  }
  return level;
}

std::vector<Level> ReadPyramid(const std::string& path, int64_t pixel_bytes) {
  std::vector<Level> levels;
  TIFF* tiff = TIFFOpen(path.c_str(), "rm");
  EXPECT_NE(tiff, nullptr);
  if (tiff == nullptr) return levels;
  EXPECT_NE(TIFFIsBigTIFF(tiff), 0);
  do levels.push_back(ReadLevel(tiff, pixel_bytes));
  while (TIFFReadDirectory(tiff) != 0);
  TIFFClose(tiff);
  return levels;
}

struct Picture {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 1;
  std::vector<uint8_t> pixels = {};
};

/// Smooth, so that JPEG keeps it; with one channel, values that deflate must return exactly.
Picture MakePicture(int64_t width, int64_t height, int64_t channels) {
  Picture picture{.width = width, .height = height, .channels = channels};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        const int64_t value =
            channels == 3 ? 40 + x * 150 / width + c * 10 + y * 40 / height : x * 31 ^ y * 17;
        picture.pixels.push_back(static_cast<uint8_t>(value));
      }
    }
  }
  return picture;
}

/// Writes in chunks of `rows`.
void Write(const std::string& path, const Picture& picture, PyramidOptions options, int64_t rows) {
  options.width = picture.width;
  options.height = picture.height;
  PyramidWriter writer(path, options);
  for (int64_t y = 0; y < picture.height; y += rows) {
    writer.WriteRows(picture.pixels.data() + y * picture.width * picture.channels,
                     std::min(rows, picture.height - y));
  }
  writer.Finish();
}

template <class T>
std::vector<T> SamplesOf(const std::vector<uint8_t>& bytes) {
  std::vector<T> samples(bytes.size() / sizeof(T));
  std::memcpy(samples.data(), bytes.data(), bytes.size());
  return samples;
}

/// The mean of the up to 2 x 2 pixels that exist.
template <class T>
std::vector<double> Average(const Level& level) {
  const std::vector<T> samples = SamplesOf<T>(level.pixels);
  std::vector<double> half;
  for (int64_t y = 0; y < level.height; y += 2) {
    for (int64_t x = 0; x < level.width; x += 2) {
      double sum = 0;
      int64_t count = 0;
      for (int64_t j = y; j < std::min<int64_t>(y + 2, level.height); ++j) {
        for (int64_t i = x; i < std::min<int64_t>(x + 2, level.width); ++i, ++count) {
          sum += samples[j * level.width + i];
        }
      }
      half.push_back(sum / static_cast<double>(count));
    }
  }
  return half;
}

/// Each half of the one before; `error` is that of a mean.
template <class T>
void CheckAveraged(const std::vector<Level>& levels, uint16_t sample_format, double error) {
  for (size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(levels[i].sample_bits, 8 * sizeof(T));
    EXPECT_EQ(levels[i].sample_format, sample_format);
    if (i == 0) continue;
    EXPECT_EQ(levels[i].width, (levels[i - 1].width + 1) / 2);
    EXPECT_EQ(levels[i].height, (levels[i - 1].height + 1) / 2);
    EXPECT_EQ(levels[i].subfile, static_cast<uint32_t>(FILETYPE_REDUCEDIMAGE));
    const std::vector<double> expected = Average<T>(levels[i - 1]);
    const std::vector<T> found = SamplesOf<T>(levels[i].pixels);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t j = 0; j < found.size(); ++j) ASSERT_NEAR(found[j], expected[j], error) << "level " << i;
  }
}

constexpr std::array<std::pair<int64_t, int64_t>, 3> kSizes = {{{2050, 1301}, {1027, 2305}, {1024, 1024}}};

TEST(PyramidWriter, ProbabilitiesComeBackExactlyAndAreAveraged) {
  const TemporaryFolder folder;
  for (const auto& [width, height] : kSizes) {
    const Picture picture = MakePicture(width, height, 1);
    Write(folder.File("p.tif"), picture, {.pixels = PyramidPixels::kGrey}, 100);
    const std::vector<Level> levels = ReadPyramid(folder.File("p.tif"), 1);
    ASSERT_EQ(levels.size(), height == 1024 ? 2u : 3u);
    EXPECT_EQ(levels[0].pixels, picture.pixels);
    CheckAveraged<uint8_t>(levels, SAMPLEFORMAT_UINT, 0.5);
  }
}

/// What does not shrink is stored, with headers.
TEST(PyramidWriter, NoiseComesBackExactly) {
  const TemporaryFolder folder;
  Picture picture = MakePicture(700, 600, 1);
  std::mt19937 random(7);
  for (uint8_t& pixel : picture.pixels) pixel = static_cast<uint8_t>(random());
  Write(folder.File("p.tif"), picture, {.pixels = PyramidPixels::kGrey}, 64);
  EXPECT_EQ(ReadPyramid(folder.File("p.tif"), 1)[0].pixels, picture.pixels);
}

/// Tiles of one value, which are compressed once, between others, some of which differ in one pixel only.
TEST(PyramidWriter, PlainTilesComeBackExactly) {
  const TemporaryFolder folder;
  Picture picture = MakePicture(1500, 1100, 1);
  for (int64_t y = 0; y < picture.height; ++y) {
    for (int64_t x = 0; x < picture.width; ++x) {
      const int64_t tile = y / 256 * 6 + x / 256, kind = tile % 4;
      uint8_t& pixel = picture.pixels[static_cast<size_t>(y * picture.width + x)];
      if (kind == 0 || kind == 1) pixel = static_cast<uint8_t>(tile / 4 % 3);
      if (kind == 2) pixel = x % 256 == tile && y % 256 == 17;
    }
  }
  Write(folder.File("p.tif"), picture, {.pixels = PyramidPixels::kLabels}, 100);
  EXPECT_EQ(ReadPyramid(folder.File("p.tif"), 1).front().pixels, picture.pixels);
}

TEST(PyramidWriter, FloatsComeBackExactlyAndAreAveraged) {
  const TemporaryFolder folder;
  for (const auto& [width, height] : kSizes) {
    Picture picture{.width = width, .height = height, .channels = 4};  // bytes
    picture.pixels.resize(static_cast<size_t>(width * height * 4));
    for (int64_t i = 0; i < width * height; ++i) {
      const float value = static_cast<float>(i * 7919 % 100003) / 100003;
      std::memcpy(picture.pixels.data() + i * 4, &value, 4);
    }
    Write(folder.File("p.tif"), picture, {.pixels = PyramidPixels::kFloat32, .threads = 2}, 100);
    const std::vector<Level> levels = ReadPyramid(folder.File("p.tif"), 4);
    ASSERT_EQ(levels.size(), height == 1024 ? 2u : 3u);
    EXPECT_EQ(levels[0].pixels, picture.pixels);
    // Two additions of sums below 4, then a division that is exact.
    CheckAveraged<float>(levels, SAMPLEFORMAT_IEEEFP, 3 * 0x1p-24);
  }
}

TEST(PyramidWriter, FloatsMayBeginAtAnyAddressAndAreRefusedAsASlide) {
  const TemporaryFolder folder;
  std::vector<uint8_t> bytes(1 + 600 * sizeof(float));
  const float value = 0.25f;
  for (size_t i = 0; i < 600; ++i) std::memcpy(bytes.data() + 1 + i * sizeof value, &value, sizeof value);
  const PyramidOptions options{.width = 600, .height = 700, .pixels = PyramidPixels::kFloat32};
  EXPECT_EQ(PyramidWriter::BufferBytes(options), 256 * 4 * (2 * 768 + 512));
  PyramidWriter writer(folder.File("p.tif"), options);
  for (int y = 0; y < 700; ++y) writer.WriteRows(bytes.data() + 1, 1);
  writer.Finish();
  for (const Level& level : ReadPyramid(folder.File("p.tif"), 4)) {
    EXPECT_THAT(SamplesOf<float>(level.pixels), testing::Each(value));
  }
  try {
    Slide::Open(folder.File("p.tif"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
    EXPECT_THAT(error.what(), testing::HasSubstr("floating"));
  }
}

TEST(PyramidWriter, LabelsAreNeverMixedAndStayNearTheirCentre) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(2050, 2301, 1);
  Write(folder.File("m.tif"), picture, {.pixels = PyramidPixels::kLabels}, 256);
  const std::vector<Level> levels = ReadPyramid(folder.File("m.tif"), 1);
  ASSERT_EQ(levels.size(), 4u);
  const std::vector<int64_t> offsets = {0, 1, 1, 5};  // of 1, 2, 4, 8 px
  for (size_t level = 0; level < levels.size(); ++level) {
    const int64_t step = int64_t{1} << level;
    for (int64_t y = 0; y < levels[level].height; y += 7) {
      for (int64_t x = 0; x < levels[level].width; x += 5) {
        const int64_t column = x * step + offsets[level];
        const int64_t row = y * step + offsets[level];
        if (column >= picture.width || row >= picture.height) continue;
        ASSERT_EQ(levels[level].pixels[y * levels[level].width + x],
                  picture.pixels[row * picture.width + column])
            << "level " << level << " at " << x << ", " << y;
      }
    }
  }
}

TEST(PyramidWriter, ColourIsCloseAtEveryLevel) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(1301, 1100, 3);
  Write(folder.File("c.tif"), picture, {.quality = 90, .mpp_x = 0.25, .mpp_y = 0.5}, 33);
  const std::vector<Level> levels = ReadPyramid(folder.File("c.tif"), 3);
  ASSERT_EQ(levels.size(), 3u);
  EXPECT_FLOAT_EQ(levels[0].resolution, 40000);
  EXPECT_FLOAT_EQ(levels[2].resolution, 10000);
  for (size_t level = 0; level < levels.size(); ++level) {
    for (int64_t y = 0; y < levels[level].height; y += 11) {
      for (int64_t x = 0; x < 3 * levels[level].width; ++x) {
        const int64_t column = std::min<int64_t>(x / 3 << level, picture.width - 1);
        const int64_t row = std::min<int64_t>(y << level, picture.height - 1);
        ASSERT_NEAR(levels[level].pixels[y * 3 * levels[level].width + x],
                    picture.pixels[(row * picture.width + column) * 3 + x % 3], 5);
      }
    }
  }
}

TEST(PyramidWriter, BytesDependNeitherOnThreadsNorOnTheChunksWritten) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(1500, 1300, 3);
  Write(folder.File("a.tif"), picture, {.threads = 1}, 1300);
  Write(folder.File("b.tif"), picture, {.threads = 3}, 7);
  EXPECT_EQ(test::ReadFile(folder.File("a.tif")), test::ReadFile(folder.File("b.tif")));
}

/// The same levels, in other places.
TEST(PyramidWriter, LevelsMayLieBelowTheFirst) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(2100, 1300, 1);
  Write(folder.File("pages.tif"), picture, {.pixels = PyramidPixels::kLabels}, 1300);
  Write(folder.File("below.tif"), picture,
        {.pixels = PyramidPixels::kLabels, .levels = PyramidLevels::kSubIfds}, 1300);
  EXPECT_EQ(ReadPyramid(folder.File("below.tif"), 1).size(), 1u);
  const auto pages = Slide::Open(folder.File("pages.tif")), below = Slide::Open(folder.File("below.tif"));
  ASSERT_EQ(pages->info().levels.size(), 3u);
  ASSERT_EQ(below->info().levels.size(), 3u);
  for (int level = 0; level < 3; ++level) {
    const auto a = pages->OpenRows({.level = level}), b = below->OpenRows({.level = level});
    std::vector<uint8_t> in_a(static_cast<size_t>(a->width() * a->height() * 3)), in_b(in_a.size());
    a->Read({0, a->height()}, in_a.data());
    b->Read({0, b->height()}, in_b.data());
    EXPECT_EQ(in_a, in_b);
  }
}

TEST(PyramidWriter, TinyImagesHaveOneLevel) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(3, 1, 1);
  Write(folder.File("t.tif"), picture, {.pixels = PyramidPixels::kGrey, .description = "three"}, 1);
  const std::vector<Level> levels = ReadPyramid(folder.File("t.tif"), 1);
  ASSERT_EQ(levels.size(), 1u);
  EXPECT_EQ(levels[0].pixels, picture.pixels);
  EXPECT_EQ(levels[0].resolution, 0);
}

TEST(PyramidWriter, MemoryDoesNotGrowWithTheHeight) {
  const int64_t low = PyramidWriter::BufferBytes({.width = 3000, .height = 3000}),
                high = PyramidWriter::BufferBytes({.width = 3000, .height = 3000000});
  EXPECT_EQ(low, high);
  EXPECT_LT(high, 3 * 3 * 256 * 3072);
}

TEST(PyramidWriter, LeavesNothingWithoutFinish) {
  const TemporaryFolder folder;
  const Picture picture = MakePicture(900, 900, 3);
  {
    PyramidWriter writer(folder.File("a.tif"), {.width = 900, .height = 900});
    writer.WriteRows(picture.pixels.data(), 600);
    EXPECT_THROW(writer.WriteRows(picture.pixels.data(), 301), Error);
    EXPECT_THROW(writer.Finish(), Error);
  }
  EXPECT_EQ(folder.Count(), 0);
}

TEST(PyramidWriter, NamesAPathThatCannotBeWritten) {
  try {
    PyramidWriter("/nowhere/at/all.tif", {.width = 9, .height = 9});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kOutput);
    EXPECT_EQ(std::string(error.what()), "/nowhere/at/all.tif: cannot be created: No such file or directory");
  }
}

TEST(PyramidWriter, RefusesASizeThatNoTiffHas) {
  const TemporaryFolder folder;
  EXPECT_THROW(PyramidWriter(folder.File("a.tif"), {.width = 0, .height = 9}), Error);
  EXPECT_THROW(PyramidWriter(folder.File("a.tif"), {.width = 9, .height = int64_t{1} << 32}), Error);
}

TEST(PyramidWriter, AFullDiskIsAnErrorAndLeavesNothing) {
  const TemporaryFolder folder;
  Picture picture = MakePicture(2048, 2048, 1);
  uint32_t state = 1;
  for (uint8_t& v : picture.pixels) v = static_cast<uint8_t>((state = state * 1664525u + 1013904223u) >> 24);
  // Level 0 takes 4.2 MB, the levels below it 1.3 MB: runs full in one and in the other.
  for (const rlim_t limit : {300'000, 4'400'000, 5'200'000}) {
    const FileSizeLimit full(limit);
    try {
      Write(folder.File("full.tif"), picture, {.pixels = PyramidPixels::kGrey}, 256);
      ADD_FAILURE() << "no error at " << limit;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kOutput);
      EXPECT_THAT(error.what(), testing::HasSubstr("full.tif"));
      EXPECT_THAT(error.what(), testing::HasSubstr("File too large"));
    }
    EXPECT_EQ(folder.Count(), 0);
  }
}

}  // namespace
}  // namespace swath
