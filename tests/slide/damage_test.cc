/// Damaged files: an Error that names the file, never a crash, a hang or made-up pixels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <filesystem>
#include <functional>
#include <random>
#include <string>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using namespace testing;

/// Decodes every level; returns the complaint, or "" if there is none.
std::string Verify(const std::string& path) {
  try {
    const auto slide = Slide::Open(path);
    for (int level = 0; level < static_cast<int>(slide->info().levels.size()); ++level) {
      const auto rows = slide->OpenRows({.level = level});
      ReadAll(*rows, rows->natural_rows());
    }
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr(path));
    EXPECT_THAT(e.what(), ::testing::Not(::testing::HasSubstr("\n")));
    EXPECT_TRUE(e.code() == ErrorCode::kInput || e.code() == ErrorCode::kUnsupported);
    return e.what();
  }
  return {};
}

TEST(Damage, NotAnImageAtAll) {
  const TempFolder folder;
  test::WriteFile(folder / "empty", "");
  test::WriteFile(folder / "short", "II*");
  test::WriteFile(folder / "text", "This is not an image.\n");
  using ::testing::HasSubstr;
  EXPECT_THAT(Verify(folder / "none"), HasSubstr("no such file"));
  EXPECT_THAT(Verify(folder / "empty"), HasSubstr("empty file"));
  EXPECT_THAT(Verify(folder / "short"), HasSubstr("found none"));
  EXPECT_THAT(Verify(folder / "text"), HasSubstr("found none"));
  EXPECT_THAT(Verify(std::filesystem::path(folder / "x").parent_path()), HasSubstr("folder"));
  EXPECT_THAT(Verify("/dev/null"), HasSubstr("regular file"));
}

struct Kind {
  std::string name;
  std::function<void(const std::string&)> write;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class DamageTo : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    GetParam().write(folder_ / "whole");
    bytes_ = test::ReadFile(folder_ / "whole");
    ASSERT_EQ(Verify(folder_ / "whole"), "");
  }

  TempFolder folder_;
  std::string bytes_;
};

/// Nothing of these files is dispensable but the last bytes of their formats.
TEST_P(DamageTo, ATruncatedFileIsAnErrorOrWhole) {
  const Image expected = ReadAll(*Slide::Open(folder_ / "whole")->OpenRows());
  const size_t step = std::max<size_t>(1, bytes_.size() / 97);
  for (size_t length = 0; length < bytes_.size(); length += step) {
    test::WriteFile(folder_ / "cut", bytes_.substr(0, length));
    if (!Verify(folder_ / "cut").empty()) continue;
    EXPECT_EQ(ReadAll(*Slide::Open(folder_ / "cut")->OpenRows()), expected)
        << length << " of " << bytes_.size();
  }
}

TEST_P(DamageTo, ChangedBytesNeverCrash) {
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    std::string damaged = bytes_;
    const int changes = 1 + static_cast<int>(random() % 4);
    // Headers and the tables at the end, where the numbers are, twice as often.
    for (int change = 0; change < changes; ++change) {
      const size_t near = std::min<size_t>(damaged.size(), 400);
      const size_t place = random() % 3 == 0   ? random() % damaged.size()
                           : random() % 2 == 0 ? random() % near
                                               : damaged.size() - 1 - random() % near;
      damaged[place] = static_cast<char>(random() % 4 == 0 ? 255 : random());
    }
    test::WriteFile(folder_ / "damaged", damaged);
    Verify(folder_ / "damaged");
    try {
      ReadAll(*OpenMask(folder_ / "damaged", 60, 50));
    } catch (const Error&) {
    }
  }
}

const TiffSpec kJpegTiles{
    .tile_width = 32, .tile_height = 32, .compression = COMPRESSION_JPEG, .photometric = PHOTOMETRIC_YCBCR};
const TiffSpec kSubIfds{.tile_width = 32,
                        .tile_height = 32,
                        .compression = COMPRESSION_ADOBE_DEFLATE,
                        .big = true,
                        .pyramid = Pyramid::kSubIfds};

INSTANTIATE_TEST_SUITE_P(
    Kinds, DamageTo,
    ::testing::Values(
        Kind{"jpeg_tiles",
             [](const std::string& path) { WriteTiff(path, {Noise(100, 80, 3, 1)}, kJpegTiles); }},
        Kind{"sub_ifds",
             [](const std::string& path) {
               WriteTiff(path, {Noise(100, 80, 3, 1), Noise(50, 40, 3, 2)}, kSubIfds);
             }},
        Kind{"strips",
             [](const std::string& path) {
               WriteTiff(path, {Noise(60, 50, 1, 1)}, {.rows_per_strip = 7, .compression = COMPRESSION_LZW});
             }},
        Kind{"turned",
             [](const std::string& path) {
               WriteTiff(path, {Noise(60, 50, 3, 1)},
                         {.tile_width = 16, .tile_height = 32, .orientation = 6});
             }},
        Kind{"palette",
             [](const std::string& path) {
               WriteTiff(path, {Noise(60, 50, 1, 1)},
                         {.rows_per_strip = 7, .photometric = PHOTOMETRIC_PALETTE});
             }},
        Kind{"png", [](const std::string& path) { WritePng(path, Noise(60, 50, 3, 1)); }},
        Kind{"interlaced_png", [](const std::string& path) { WritePng(path, Noise(60, 50, 3, 1), 8, true); }},
        Kind{"jpeg", [](const std::string& path) { WriteJpeg(path, Noise(60, 50, 3, 1)); }},
        Kind{"progressive_jpeg",
             [](const std::string& path) { WriteJpeg(path, Noise(60, 50, 3, 1), 90, true); }}),
    [](const auto& test) { return test.param.name; });

TEST(Damage, EveryBrokenFileIsAnError) {
  const std::filesystem::path broken = std::filesystem::path(SWATH_SHARED_DATA) / "broken";
  if (!std::filesystem::exists(broken)) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(broken)) {
    EXPECT_NE(Verify(entry.path()), "") << entry.path();
    ++count;
  }
  EXPECT_GT(count, 20);
}

TEST(Damage, ATruncatedSlideIsAnError) {
  const std::filesystem::path slides = std::filesystem::path(SWATH_SHARED_DATA) / "slides";
  if (!std::filesystem::exists(slides)) GTEST_SKIP() << "no shared data at " << SWATH_SHARED_DATA;
  const TempFolder folder;
  for (const auto* name : {"CMU-1-Small-Region.svs", "test3-DAPI-2-387.ndpi",
                           "derived/cmu_jpeg_tiled_pyramid.tif", "derived/cmu_bigtiff_subifd_jpeg.tif"}) {
    const std::string bytes = test::ReadFile(slides / name);
    for (const size_t part : {1, 3, 8, 11, 12}) {
      test::WriteFile(folder / "cut.svs", bytes.substr(0, bytes.size() * part / 13));
      EXPECT_NE(Verify(folder / "cut.svs"), "") << name << " " << part;
    }
  }
}

}  // namespace
}  // namespace swath
