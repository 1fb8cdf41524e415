#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <tiffio.h>

#include <array>
#include <string>

#include "swath/error.h"
#include "swath/slide.h"
#include "tests/slide/images.h"
#include "tests/support/columns.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using namespace testing;

/// The definition: the mask pixel in which the centre of each pixel lies.
Image Stretch(const Image& mask, int64_t width, int64_t height) {
  Image result{width, height, 1};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const double from_y =
          (static_cast<double>(y) + 0.5) * static_cast<double>(mask.height) / static_cast<double>(height);
      const double from_x =
          (static_cast<double>(x) + 0.5) * static_cast<double>(mask.width) / static_cast<double>(width);
      result.pixels.push_back(mask.at(static_cast<int64_t>(from_y), static_cast<int64_t>(from_x), 0));
    }
  }
  return result;
}

TEST(Mask, IsMappedByNearestCentreAtAnyDownsample) {
  const TempFolder folder;
  for (const int64_t factor : {1, 3, 4, 7}) {
    for (const auto& [width, height] : {std::pair<int64_t, int64_t>{240, 168}, {241, 167}, {130, 517}}) {
      // Both ways of rounding that writers use.
      for (const int64_t round : {int64_t{0}, factor - 1}) {
        const Image mask = Noise((width + round) / factor, (height + round) / factor, 1, 3);
        WritePng(folder / "a.png", mask);
        const auto rows = OpenMask(folder / "a.png", width, height);
        ASSERT_EQ(rows->channels(), 1);
        EXPECT_EQ(ReadAll(*rows), Stretch(mask, width, height)) << factor << " " << width;
        EXPECT_EQ(ReadAll(*rows->Clone(), height), Stretch(mask, width, height));
        test::ExpectColumnsOf(*rows);
      }
    }
  }
}

TEST(Mask, KeepsStoredValues) {
  const TempFolder folder;
  for (const int bits : {1, 2, 4, 8}) {
    Image labels = Noise(53, 31, 1, 4);
    for (auto& v : labels.pixels) v = static_cast<uint8_t>(v & ((1 << bits) - 1));
    WritePng(folder / "a.png", labels, bits);
    EXPECT_EQ(ReadAll(*OpenMask(folder / "a.png", 53, 31)), labels) << bits;
    WriteTiff(folder / "a.tif", {labels},
              {.rows_per_strip = 9, .compression = COMPRESSION_LZW, .bits = bits});
    EXPECT_EQ(ReadAll(*OpenMask(folder / "a.tif", 53, 31)), labels) << bits;
  }
  const Image labels = Noise(53, 31, 1, 5);
  WritePalettePng(folder / "p.png", labels);
  EXPECT_EQ(ReadAll(*OpenMask(folder / "p.png", 53, 31)), labels);
  WriteTiff(folder / "p.tif", {labels},
            {.tile_width = 16, .tile_height = 16, .photometric = PHOTOMETRIC_PALETTE});
  EXPECT_EQ(ReadAll(*OpenMask(folder / "p.tif", 53, 31)), labels);
}

TEST(Mask, ReadsFaxAndInvertsMinIsWhite) {
  const TempFolder folder;
  Image labels = Noise(70, 40, 1, 6);
  for (auto& v : labels.pixels) v &= 1;
  WriteTiff(folder / "a.tif", {labels},
            {.rows_per_strip = 40,
             .compression = COMPRESSION_CCITTFAX4,
             .photometric = PHOTOMETRIC_MINISWHITE,
             .bits = 1});
  Image inverted = labels;
  for (auto& v : inverted.pixels) v ^= 1;
  EXPECT_EQ(ReadAll(*OpenMask(folder / "a.tif", 70, 40)), inverted);
}

TEST(Mask, RgbIsReadWhereItsChannelsAreEqual) {
  const TempFolder folder;
  const Image labels = Noise(20, 10, 1, 7);
  Image rgb{20, 10, 3};
  for (const uint8_t v : labels.pixels) rgb.pixels.insert(rgb.pixels.end(), 3, v);
  WritePng(folder / "a.png", rgb);
  WriteTiff(folder / "a.tif", {rgb}, {.rows_per_strip = 5});
  EXPECT_EQ(ReadAll(*OpenMask(folder / "a.png", 20, 10)), labels);
  EXPECT_EQ(ReadAll(*OpenMask(folder / "a.tif", 20, 10)), labels);
  rgb.at(9, 19, 2) ^= 1;
  WritePng(folder / "b.png", rgb);
  WriteTiff(folder / "b.tif", {rgb}, {.rows_per_strip = 5});
  for (const auto* name : {"b.png", "b.tif"}) {
    const auto rows = OpenMask(folder / name, 20, 10);
    EXPECT_THROW(ReadAll(*rows), Error);
  }
}

TEST(Mask, OfASlideIsCutToTheRegionAtAnyLevel) {
  const TempFolder folder;
  const Image mask = Noise(60, 40, 1, 9);  // of a slide of 240 x 160: a pixel is 4 x 4
  WritePng(folder / "slide.png", mask);
  const Image part = Noise(15, 21, 1, 10);  // of the region alone: its proportions are no slide's
  WritePng(folder / "region.png", part);
  for (const int64_t down : {1, 2, 8}) {  // at 8 the mask is finer than the image
    const ImagePlace place{.width = 60 / down,
                           .height = 84 / down,
                           .slide_width = 240,
                           .slide_height = 160,
                           .region = {100, 37, 60, 84}};
    const Image found = ReadAll(*OpenMask(folder / "slide.png", place));
    const Image own = ReadAll(*OpenMask(folder / "region.png", place));
    test::ExpectColumnsOf(*OpenMask(folder / "slide.png", place));
    ASSERT_EQ(found.width, place.width);
    ASSERT_EQ(found.height, place.height);
    for (int64_t y = 0; y < place.height; ++y) {
      for (int64_t x = 0; x < place.width; ++x) {
        const double across = (static_cast<double>(x) + 0.5) * 60 / static_cast<double>(place.width);
        const double below = (static_cast<double>(y) + 0.5) * 84 / static_cast<double>(place.height);
        EXPECT_EQ(found.at(y, x, 0), mask.at(static_cast<int64_t>((37 + below) / 4),
                                             static_cast<int64_t>((100 + across) / 4), 0));
        EXPECT_EQ(own.at(y, x, 0),
                  part.at(static_cast<int64_t>(below / 4), static_cast<int64_t>(across / 4), 0));
      }
    }
  }
}

TEST(Mask, SaysWhatOfTheSlideItCovers) {
  const TempFolder folder;
  WritePng(folder / "a.png", Noise(40, 30, 1, 3));
  const auto covered = [&](int64_t slide_width, const Region& region) {
    const Region r = MaskRegion(folder / "a.png", {.width = region.width,
                                                   .height = region.height,
                                                   .slide_width = slide_width,
                                                   .slide_height = 300,
                                                   .region = region});
    return std::array{r.x, r.y, r.width, r.height};
  };
  EXPECT_EQ(covered(400, {0, 0, 400, 300}), (std::array<int64_t, 4>{0, 0, 400, 300}));
  EXPECT_EQ(covered(400, {10, 20, 50, 10}), (std::array<int64_t, 4>{0, 0, 400, 300}));
  EXPECT_EQ(covered(900, {10, 20, 80, 60}), (std::array<int64_t, 4>{10, 20, 80, 60}));
  EXPECT_THROW(covered(900, {10, 20, 50, 10}), Error);
}

TEST(Mask, MayBeOfASlideOfAnyHeight) {
  const TempFolder folder;
  Image mask{1, 50000, 1};
  for (int64_t y = 0; y < mask.height; ++y) mask.pixels.push_back(static_cast<uint8_t>(y / 200));
  WritePng(folder / "a.png", mask);
  constexpr int64_t kHeight = (int64_t{1} << 31) - 1;
  const auto rows = OpenMask(folder / "a.png", kHeight / 50000, kHeight);
  std::vector<uint8_t> row(static_cast<size_t>(rows->width()));
  for (const int64_t y : {int64_t{0}, kHeight / 2, kHeight - 1}) {
    rows->Read({y, y + 1}, row.data());
    const double mask_row = (static_cast<double>(y) + 0.5) * 50000 / static_cast<double>(kHeight);
    EXPECT_EQ(row[0], static_cast<int64_t>(mask_row) / 200) << y;
  }
}

TEST(Mask, MayBeFinerThanTheImage) {
  const TempFolder folder;
  const Image mask = Noise(501, 389, 1, 11);
  WritePng(folder / "a.png", mask);
  for (const auto& [width, height] : {std::pair<int64_t, int64_t>{500, 388}, {251, 195}, {62, 48}})
    EXPECT_EQ(ReadAll(*OpenMask(folder / "a.png", width, height)), Stretch(mask, width, height)) << width;
}

std::string Complaint(const std::string& path, int64_t width, int64_t height) {
  try {
    OpenMask(path, width, height);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

TEST(Mask, OfTheWrongSizeIsAnErrorThatNamesBothSizes) {
  const TempFolder folder;
  WritePng(folder / "a.png", Noise(100, 50, 1, 8));
  using ::testing::AllOf;
  using ::testing::HasSubstr;
  for (const auto& [width, height] :
       {std::pair<int64_t, int64_t>{400, 212}, {200, 106}, {97, 50}, {50, 27}, {100, 400}}) {
    EXPECT_THAT(
        Complaint(folder / "a.png", width, height),
        AllOf(HasSubstr("a.png"), HasSubstr("100x50"), HasSubstr(fmt::format("{}x{}", width, height))));
  }
  EXPECT_EQ(Complaint(folder / "a.png", 400, 203), "no error");
  EXPECT_EQ(Complaint(folder / "a.png", 100, 51), "no error");
}

TEST(Mask, MayBeAnArrayOfNumPy) {
  const TempFolder folder;
  using ::testing::HasSubstr;
  const Image labels = Noise(53, 31, 1, 5);
  for (const std::string type : {"|u1", "<u2", ">u4", "<i8", ">i2"}) {
    const size_t bytes = static_cast<size_t>(type[2] - '0');
    std::string items;
    for (const uint8_t label : labels.pixels) {
      std::string item(bytes, '\0');
      item[type[0] == '>' ? bytes - 1 : 0] = static_cast<char>(label);
      items += item;
    }
    WriteNpy(folder / "a.npy", type, "31, 53", items);
    EXPECT_EQ(ReadAll(*OpenMask(folder / "a.npy", 53, 31)), labels) << type;
    EXPECT_EQ(ReadAll(*OpenMask(folder / "a.npy", 106, 62)), Stretch(labels, 106, 62)) << type;
  }
  const auto message = [&](const std::string& type, const std::string& shape, const std::string& items) {
    WriteNpy(folder / "a.npy", type, shape, items);
    try {
      ReadAll(*OpenMask(folder / "a.npy", 2, 2));
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(message("|u1", "2, 2", "abcd"), "no error");
  EXPECT_THAT(message("|u1", "2, 2", "abc"), HasSubstr("expected 2 x 2 numbers of 1 bytes, found a file of"));
  EXPECT_THAT(message("<f4", "2, 2", "abc"),
              HasSubstr("an array of whole numbers or bool, found {'descr': '<f4'"));
  EXPECT_THAT(message("|u1", "2, 2, 3", "abc"), HasSubstr("an array of two dimensions"));
  EXPECT_THAT(message("|i1", "2, 2",
                      "ab\xff"
                      "d"),
              HasSubstr("found another number in row 1, column 0"));
  EXPECT_THAT(message("<u2", "2, 2", std::string("a\0b\0c\1d\0", 8)), HasSubstr("in row 1, column 0"));
}

TEST(Mask, RefusesWhatHoldsNoLabels) {
  const TempFolder folder;
  using ::testing::HasSubstr;
  WriteJpeg(folder / "a.jpg", Smooth(20, 20, 1));
  EXPECT_THAT(Complaint(folder / "a.jpg", 20, 20), HasSubstr("JPEG"));
  WriteTiff(folder / "a.tif", {Smooth(20, 20, 1)}, {.rows_per_strip = 20, .compression = COMPRESSION_JPEG});
  EXPECT_THAT(Complaint(folder / "a.tif", 20, 20), HasSubstr("JPEG"));
  test::WriteFile(folder / "a.txt", "labels");
  EXPECT_THAT(Complaint(folder / "a.txt", 20, 20), HasSubstr("none of them"));
  EXPECT_THAT(Complaint(folder / "none.png", 20, 20), HasSubstr("no such file"));
}

}  // namespace
}  // namespace swath
