#include "swath/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <random>
#include <set>
#include <thread>
#include <tuple>

#include "swath/error.h"
#include "tests/support/columns.h"
#include "tests/support/memory_image.h"

namespace swath {
namespace {

using test::MemoryImage;
using test::RandomImage;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Decorate = std::function<std::unique_ptr<RowSource>(std::unique_ptr<RowSource>)>;

std::unique_ptr<RowSource> Copy(const RowSource& image) { return image.Clone(); }

std::vector<uint8_t> ReadAll(RowSource& source) {
  std::vector<uint8_t> pixels(static_cast<size_t>(source.width() * source.height() * source.channels()));
  source.Read({0, source.height()}, pixels.data());
  return pixels;
}

/// Whole, in random windows, and by clones on threads of their own.
void ExpectReads(RowSource& found, const MemoryImage& expected) {
  ASSERT_EQ(found.width(), expected.width());
  ASSERT_EQ(found.height(), expected.height());
  ASSERT_EQ(found.channels(), expected.channels());
  const std::vector<uint8_t> pixels = ReadAll(*expected.Clone());
  const auto clone = found.Clone();
  test::ExpectColumnsOf(found);
  const int64_t row = found.width() * found.channels();
  const auto check = [&](RowSource& source, uint32_t seed) {
    std::mt19937 random(seed);
    std::vector<uint8_t> window;
    for (int i = 0; i < 30; ++i) {
      const int64_t a = random() % static_cast<uint32_t>(found.height()),
                    b = a + 1 + random() % static_cast<uint32_t>(found.height() - a);
      window.assign(static_cast<size_t>((b - a) * row), 7);
      source.Read({a, b}, window.data());
      EXPECT_TRUE(std::equal(window.begin(), window.end(), pixels.begin() + a * row));
    }
  };
  std::thread other([&] { check(*clone, 1); });
  check(found, 2);
  other.join();
  EXPECT_EQ(ReadAll(found), pixels);
}

/// The image that has, at (x, y), what `image` has at `from(x, y)`.
MemoryImage Rearranged(MemoryImage image, int64_t width, int64_t height,
                       const std::function<std::pair<int64_t, int64_t>(int64_t, int64_t)>& from) {
  const int64_t channels = image.channels();
  MemoryImage result(width, height, channels);
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      const auto [from_x, from_y] = from(x, y);
      std::copy_n(image.pixels().data() + (from_y * image.width() + from_x) * channels, channels,
                  result.pixels().data() + (y * width + x) * channels);
    }
  }
  return result;
}

/// Of several bands and strips of the transposing file, and of one pixel.
const std::vector<std::array<int64_t, 3>> kSizes = {{37, 29, 3}, {1, 1, 3},    {300, 2, 1},
                                                    {5, 259, 3}, {33, 128, 1}, {17, 300, 3}};

class EveryOrientation : public testing::TestWithParam<int> {};

TEST_P(EveryOrientation, IsWhatItSaysAtOddSizesAndRandomWindows) {
  const int bits = GetParam();
  const Orientation orientation{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
  for (const auto& [width, height, channels] : kSizes) {
    SCOPED_TRACE(testing::Message() << width << "x" << height << "x" << channels);
    const MemoryImage image = RandomImage(width, height, channels, 3);
    const int64_t w = orientation.transpose ? height : width, h = orientation.transpose ? width : height;
    const MemoryImage expected = Rearranged(image, w, h, [&](int64_t x, int64_t y) {
      if (orientation.mirror_columns) x = w - 1 - x;
      if (orientation.mirror_rows) y = h - 1 - y;
      return orientation.transpose ? std::pair(y, x) : std::pair(x, y);
    });
    ExpectReads(*AugmentImage(Copy(image), {.orientation = orientation}), expected);
    ExpectReads(*AugmentLabels(Copy(image), {.orientation = orientation}), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Augment, EveryOrientation, testing::Range(0, 8));

TEST(AugmentTest, MirroringAndTransposingTwiceGivesTheImageBack) {
  for (const auto& [width, height, channels] : kSizes) {
    const MemoryImage image = RandomImage(width, height, channels, 4);
    for (const auto& decorate : {MirrorColumns, MirrorRows, Transpose})
      ExpectReads(*decorate(decorate(Copy(image))), image);
  }
}

/// Counts the rows that are read, and the blocks of eight that a cache of one block decodes.
class CountingImage final : public MemoryImage {
 public:
  struct Counts {
    int64_t rows = 0, blocks = 0;
  };
  CountingImage(const MemoryImage& image, std::shared_ptr<Counts> counts)
      : MemoryImage(image), counts_(std::move(counts)) {}
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<CountingImage>(*this); }
  int64_t natural_rows() const override { return 8; }
  void Read(Range rows, uint8_t* dst) override {
    for (int64_t y = rows.begin; y < rows.end; ++y) {
      ++counts_->rows;
      if (y / 8 != cached_) ++counts_->blocks;
      cached_ = y / 8;
    }
    MemoryImage::Read(rows, dst);
  }

 private:
  std::shared_ptr<Counts> counts_;
  int64_t cached_ = -1;
};

TEST(AugmentTest, ReadingUpwardsDecodesEveryBlockOnce) {
  const auto counts = std::make_shared<CountingImage::Counts>();
  const auto rows = MirrorRows(std::make_unique<CountingImage>(RandomImage(5, 60, 3, 1), counts));
  EXPECT_EQ(rows->natural_rows(), 8);
  std::vector<uint8_t> window(8 * 15);
  for (int64_t y = 0; y < 60; y += 8) rows->Read({y, std::min<int64_t>(y + 8, 60)}, window.data());
  EXPECT_EQ(counts->rows, 60);
  EXPECT_EQ(counts->blocks, 8);
}

TEST(AugmentTest, TransposingReadsTheImageOnceForAllReaders) {
  const auto counts = std::make_shared<CountingImage::Counts>();
  const auto rows = Transpose(std::make_unique<CountingImage>(RandomImage(70, 300, 3, 1), counts));
  const auto clone = rows->Clone();
  ReadAll(*rows);
  ReadAll(*clone);
  EXPECT_EQ(counts->rows, 300);
  // The band of rows while the file is written, however high the image; then a strip a reader.
  EXPECT_EQ(clone->buffer_bytes(), 16 * 128 * 3);
  EXPECT_EQ(rows->buffer_bytes(), 2 * 16 * 128 * 3 + 128 * 70 * 3);
}

class FailingImage final : public MemoryImage {
 public:
  FailingImage() : MemoryImage(4, 200, 3) {}
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<FailingImage>(*this); }
  void Read(Range rows, uint8_t*) override {
    if (rows.end > 150) throw Error(ErrorCode::kInput, "row 150 is damaged");
  }
};

TEST(AugmentTest, ADamagedImageFailsForEveryReader) {
  const auto rows = Transpose(std::make_unique<FailingImage>());
  const auto clone = rows->Clone();
  EXPECT_THAT([&] { ReadAll(*rows); }, ThrowsMessage<Error>("row 150 is damaged"));
  EXPECT_THAT([&] { ReadAll(*clone); }, ThrowsMessage<Error>("row 150 is damaged"));
}

/// By definition: solves for the amounts of the stains by Cramer's rule.
std::array<uint8_t, 3> NaiveStains(const uint8_t* rgb, const StainJitter& jitter) {
  using Vector = std::array<double, 3>;
  const auto determinant = [](const Vector& a, const Vector& b, const Vector& c) {
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) +
           a[2] * (b[0] * c[1] - b[1] * c[0]);
  };
  const auto unit = [](const Vector& v) {
    const double length = std::hypot(v[0], v[1], v[2]);
    return Vector{v[0] / length, v[1] / length, v[2] / length};
  };
  const Vector h = unit({0.65, 0.70, 0.29}), e = unit({0.07, 0.99, 0.11});
  const Vector r = unit({h[1] * e[2] - h[2] * e[1], h[2] * e[0] - h[0] * e[2], h[0] * e[1] - h[1] * e[0]});
  Vector density;
  for (size_t c = 0; c < 3; ++c) density[c] = std::log(256.0 / (rgb[c] + 1));
  const double all = determinant(h, e, r);
  const double amount_h = determinant(density, e, r) / all * jitter.scale[0] + jitter.shift[0];
  const double amount_e = determinant(h, density, r) / all * jitter.scale[1] + jitter.shift[1];
  const double amount_r = determinant(h, e, density) / all;
  std::array<uint8_t, 3> result;
  for (size_t c = 0; c < 3; ++c) {
    const double d = std::max(0.0, amount_h * h[c] + amount_e * e[c] + amount_r * r[c]);
    const double rounded = std::floor(d * 4096 + 0.5) / 4096;
    result[c] = static_cast<uint8_t>(std::lround(std::clamp(256 * std::exp(-rounded) - 1, 0.0, 255.0)));
  }
  return result;
}

TEST(AugmentTest, StainsMoveAsTheirVectorsSay) {
  const StainJitter jitter{.scale = {1.3, 0.8}, .shift = {0.04, -0.1}};
  MemoryImage image = RandomImage(61, 47, 3, 5), expected = RandomImage(61, 47, 3, 5);
  for (size_t i = 0; i < image.pixels().size(); i += 3) {
    const auto pixel = NaiveStains(image.pixels().data() + i, jitter);
    std::copy(pixel.begin(), pixel.end(), expected.pixels().begin() + static_cast<std::ptrdiff_t>(i));
  }
  ExpectReads(*JitterStains(Copy(image), jitter), expected);
  // Without jitter every colour stays what it is, rounding or not.
  ExpectReads(*JitterStains(Copy(image), {}), image);
  // More haematoxylin darkens red most, for its vector is the reddest; white stays white.
  MemoryImage pixels(2, 1, 3, {100, 80, 160, 255, 255, 255});
  const auto changed = ReadAll(*JitterStains(Copy(pixels), {.scale = {1.5, 1}}));
  EXPECT_LT(changed[0], 100);
  EXPECT_GT(100 - changed[0], 160 - changed[2]);
  EXPECT_EQ(std::vector(changed.begin() + 3, changed.end()), (std::vector<uint8_t>{255, 255, 255}));
}

TEST(AugmentTest, StainsOfGreyAreRefused) {
  EXPECT_THAT(
      [] {
        AugmentImage(Copy(MemoryImage(2, 2, 1)), {.stain = {.scale = {2, 1}}});
      },
      ThrowsMessage<Error>("memory: stains can be changed of RGB only, found 1 channels"));
}

TEST(AugmentTest, ToneIsItsFormula) {
  const Tone tone{.brightness = 1.2, .contrast = 0.7};
  MemoryImage image = RandomImage(43, 31, 3, 6), expected = RandomImage(43, 31, 3, 6);
  for (uint8_t& v : expected.pixels())
    v = static_cast<uint8_t>(std::lround(std::clamp((v * 1.2 - 127.5) * 0.7 + 127.5, 0.0, 255.0)));
  ExpectReads(*AdjustTone(Copy(image), tone), expected);
  ExpectReads(*AdjustTone(Copy(image), {}), image);
}

TEST(AugmentTest, DrawsFollowFromSeedAndVisitAlone) {
  const AugmentOptions all{.flip = true, .transpose = true, .stain = 0.1, .brightness = 0.2, .contrast = 0.3};
  std::set<std::tuple<bool, bool, bool>> orientations;
  std::set<double> brightness;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    for (int64_t visit = 0; visit < 100; ++visit) {
      const Augmentation a = DrawAugmentation(all, seed, visit), b = DrawAugmentation(all, seed, visit);
      EXPECT_EQ(a.stain, b.stain);
      EXPECT_EQ(a.tone, b.tone);
      orientations.emplace(a.orientation.transpose, a.orientation.mirror_columns, a.orientation.mirror_rows);
      brightness.insert(a.tone.brightness);
      for (size_t s = 0; s < 2; ++s) {
        EXPECT_LE(std::abs(a.stain.scale[s] - 1), 0.1);
        EXPECT_LE(std::abs(a.stain.shift[s]), 0.1);
      }
      EXPECT_LE(std::abs(a.tone.brightness - 1), 0.2);
      EXPECT_LE(std::abs(a.tone.contrast - 1), 0.3);
      // What is not asked for stays out, and changes nothing else.
      const Augmentation stain = DrawAugmentation({.stain = 0.1}, seed, visit);
      EXPECT_EQ(stain.stain, a.stain);
      EXPECT_EQ(stain.tone, Tone{});
      EXPECT_FALSE(stain.orientation.transpose || stain.orientation.mirror_rows ||
                   stain.orientation.mirror_columns);
    }
  }
  EXPECT_EQ(orientations.size(), 8u);
  EXPECT_EQ(brightness.size(), 200u);
  EXPECT_EQ(DrawAugmentation({}, 1, 1).stain, StainJitter{});
}

TEST(AugmentTest, WordsAreReadAndWritten) {
  const std::vector<std::string> words = {"flip", "transpose", "stain=0.05", "brightness=0.2",
                                          "contrast=0.1"};
  EXPECT_EQ(ToWords(ParseAugmentOptions(words)), words);
  EXPECT_EQ(ToWords(ParseAugmentOptions({"contrast", "stain"})),
            (std::vector<std::string>{"stain=0.05", "contrast=0.1"}));
  EXPECT_EQ(ToWords({}), std::vector<std::string>{});
  for (const char* word : {"flop", "", "flip=1", "stain=", "stain=1", "stain=-0.1", "stain=x", "stain=nan"}) {
    EXPECT_THAT([&] { ParseAugmentOptions({word}); },
                ThrowsMessage<Error>(HasSubstr("expected flip, transpose, stain, brightness or contrast")));
  }
}

}  // namespace
}  // namespace swath
