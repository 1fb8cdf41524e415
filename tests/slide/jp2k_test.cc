/// JPEG 2000 that ends early or is damaged.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "slide/frame_pixels.h"
#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/slide/jp2k_image.h"

namespace swath {
namespace {

using namespace testing;
using namespace std::string_literals;

constexpr int64_t kWidth = 80, kHeight = 64;

/// The pixels, or none where there is an error. Nothing is written beyond them.
std::vector<uint8_t> Decode(const std::string& bytes) {
  constexpr size_t kSize = 3 * kWidth * kHeight, kBeyond = 64;
  std::vector<uint8_t> pixels(kSize + kBeyond, 7);
  const FrameShape shape{.width = kWidth, .height = kHeight, .samples = 3};
  try {
    DecodeJp2kFrame("frame 5", {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, shape,
                    pixels.data());
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), ::testing::StartsWith("frame 5: "));
    EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
    pixels.resize(kSize);
    return {};
  }
  EXPECT_TRUE(std::all_of(pixels.begin() + kSize, pixels.end(), [](uint8_t v) { return v == 7; }));
  pixels.resize(kSize);
  return pixels;
}

struct Coding {
  std::string name;
  Jp2kSpec spec;
};

void PrintTo(const Coding& coding, std::ostream* out) { *out << coding.name; }

class Jp2k : public ::testing::TestWithParam<Coding> {
 protected:
  std::string bytes_ = Jp2kBytes(Smooth(kWidth, kHeight, 3), GetParam().spec);
};

/// Also where zeros stand for what was cut off, as in a copy that has holes.
TEST_P(Jp2k, WhatIsCutOffIsAnErrorOrWhole) {
  const std::vector<uint8_t> whole = Decode(bytes_);
  ASSERT_FALSE(whole.empty());
  for (size_t length = 0; length < bytes_.size(); ++length) {
    const std::string cut = bytes_.substr(0, length);
    for (const std::string& damaged : {cut, cut + std::string(bytes_.size() - length, '\0')}) {
      const std::vector<uint8_t> pixels = Decode(damaged);
      EXPECT_TRUE(pixels.empty() || pixels == whole) << length << " of " << bytes_.size();
    }
  }
}

/// All tile-parts that are there are whole.
TEST_P(Jp2k, ATilePartThatIsMissingIsAnError) {
  std::vector<size_t> places;
  for (size_t at = 0; (at = bytes_.find("\xff\x90\0\x0a"s, at)) != std::string::npos; ++at)
    places.push_back(at);
  places.push_back(bytes_.rfind("\xff\xd9"));
  for (size_t i = 0; i + 1 < places.size(); ++i) {
    std::string damaged = bytes_;
    damaged.erase(places[i], places[i + 1] - places[i]);
    EXPECT_TRUE(Decode(damaged).empty()) << i;
  }
}

/// Where the last tile-part goes on to the end marker, its header says no length.
TEST_P(Jp2k, APartWithoutALengthIsWholeUpToTheEndMarker) {
  const size_t last = bytes_.rfind("\xff\x90\0\x0a"s);
  std::string open = bytes_;
  open.replace(last + 6, 4, 4, '\0');
  const std::vector<uint8_t> whole = Decode(bytes_);
  EXPECT_EQ(Decode(open), whole);
  EXPECT_EQ(Decode(open + '\0'), whole);
  for (size_t length = 0; length < open.size(); ++length)
    EXPECT_TRUE(Decode(open.substr(0, length)).empty()) << length << " of " << open.size();
}

TEST_P(Jp2k, AByteMayFollowTheEndMarker) { EXPECT_EQ(Decode(bytes_ + '\0'), Decode(bytes_)); }

/// Values that were compressed carry no checksum: what is not seen to be damaged has some pixels.
TEST_P(Jp2k, ChangedBytesNeverCrash) {
  std::mt19937 random(1);
  int errors = 0;
  for (int i = 0; i < 500; ++i) {
    std::string damaged = bytes_;
    for (int change = 0; change < 1 + i % 3; ++change) {
      const size_t near = random() % 2 == 0 ? 200 : damaged.size();  // in the headers, as often
      damaged[random() % std::min(near, damaged.size())] = static_cast<char>(random());
    }
    errors += Decode(damaged).empty();
  }
  EXPECT_GT(errors, 100);
}

INSTANTIATE_TEST_SUITE_P(Codings, Jp2k,
                         ::testing::Values(Coding{"lossless", {}}, Coding{"lossy", {.lossless = false}},
                                           Coding{"boxes", {.boxes = true}}, Coding{"tiles", {.tile = 32}},
                                           Coding{"tile_parts", {.tile_parts = true}},
                                           Coding{"tiles_in_parts", {.tile = 32, .tile_parts = true}}),
                         [](const auto& test) { return test.param.name; });

/// In a TIFF of its own, and in Aperio's.
TEST(Jp2kTiles, ThatAreCutOffAreErrors) {
  const TempFolder folder;
  const Image image = Smooth(2 * kWidth, 2 * kHeight, 3);
  for (const bool in_parts : {false, true}) {
    Jp2kTiff tiff = CutToTiles(image, {.tile_parts = in_parts});
    for (const char* description : {"", "Aperio Image Library v1\r\n160x128"}) {
      tiff.description = description;
      WriteJp2kTiff(folder / "a.tif", tiff);
      const auto slide = Slide::Open(folder / "a.tif");
      EXPECT_EQ(slide->info().format, tiff.description.empty() ? "tiff" : "aperio");
      EXPECT_EQ(slide->info().decoder, "openjpeg");
      EXPECT_EQ(ReadAll(*slide->OpenRows()), image);
      Jp2kTiff cut = tiff;
      for (size_t length = 1; length < tiff.tiles[2].size(); ++length) {
        cut.tiles[2] = tiff.tiles[2].substr(0, length);
        WriteJp2kTiff(folder / "cut.tif", cut);
        try {
          ReadAll(*Slide::Open(folder / "cut.tif")->OpenRows());
          ADD_FAILURE() << length << " of " << tiff.tiles[2].size() << " bytes are read as a tile";
        } catch (const Error& e) {
          EXPECT_EQ(e.code(), ErrorCode::kInput);
          EXPECT_THAT(e.what(), ::testing::HasSubstr("cut.tif: tile 2: the JPEG 2000 is "));
        }
      }
    }
  }
}

}  // namespace
}  // namespace swath
