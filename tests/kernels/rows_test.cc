/// The SIMD row loops against plain ones, at lengths around every vector width.
#include "kernels/rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

namespace swath::rows {
namespace {

std::vector<float> RandomRow(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> row(n);
  for (float& v : row) v = normal(random);
  return row;
}

const int64_t kLengths[] = {1, 2, 15, 16, 17, 63, 64, 130, 517};

/// Taps of one to three terms, in runs.
template <class Weight>
void CheckCorrelate(int64_t outputs, int64_t taps_count, int64_t n) {
  constexpr int64_t kStep = -2;
  const int64_t pitch = outputs + 1, room = 3 * taps_count + 8;
  const std::vector<float> src = RandomRow(static_cast<size_t>(n + room), 1);
  const std::vector<float> floats = RandomRow(static_cast<size_t>((taps_count + 3) * pitch), 2);
  const std::vector<Weight> weights(floats.begin(), floats.end());
  std::vector<Tap> taps;
  std::vector<int64_t> runs;
  for (int64_t t = 0; t < taps_count; ++t) {
    if (t % 8 == 0) runs.push_back(0);
    ++runs.back();
    taps.push_back({src.data() + t + 6, t * pitch, 1 + t % 3});
  }
  const float bias[] = {1, 2, 3, 4};
  std::vector<std::vector<float>> dst(static_cast<size_t>(outputs),
                                      std::vector<float>(static_cast<size_t>(n) + 1, 9));
  std::vector<float*> rows;
  for (auto& row : dst) rows.push_back(row.data());
  const Taps<Weight> all{taps, runs, weights.data(), kStep, pitch};
  // In two pieces, the second of which begins where no vector does.
  const Range pieces[] = {{0, n / 3}, {n / 3, n}};
  for (const Range columns : pieces) Correlate(all, outputs, bias, rows.data(), columns);
  for (const Range columns : pieces) Correlate(all, outputs, nullptr, rows.data(), columns);  // on top
  for (int64_t o = 0; o < outputs; ++o) {
    for (int64_t x = 0; x < n; ++x) {
      double expected = bias[o];
      for (int64_t t = 0; t < taps_count; ++t) {
        const Tap& tap = taps[static_cast<size_t>(t)];
        for (int64_t i = 0; i < tap.count; ++i) {
          expected += 2.0 * static_cast<double>(weights[static_cast<size_t>(tap.weight + i * pitch + o)]) *
                      static_cast<double>(tap.src[x + i * kStep]);
        }
      }
      ASSERT_NEAR(dst[static_cast<size_t>(o)][static_cast<size_t>(x)], expected,
                  4e-5 * (10 + std::sqrt(double(taps_count))));
    }
    EXPECT_EQ(dst[static_cast<size_t>(o)][static_cast<size_t>(n)], 9) << "wrote past the row";
  }
}

TEST(Rows, Correlate) {
  for (int64_t outputs = 1; outputs <= kMostOutputs; ++outputs) {
    for (int64_t taps : {0, 1, 7, 8, 9, 100, 250}) {
      for (int64_t n : kLengths) {
        CheckCorrelate<float>(outputs, taps, n);
        CheckCorrelate<double>(outputs, taps, n);
      }
    }
  }
}

TEST(Rows, DotAndSum) {
  for (int64_t outputs = 1; outputs <= kMostOutputs; ++outputs) {
    for (int64_t n : {int64_t{1}, int64_t{16}, int64_t{33}, int64_t{20000}}) {
      std::vector<std::vector<float>> src, diff;
      std::vector<const float*> srcs, diffs;
      for (uint32_t t = 0; t < 11; ++t) src.push_back(RandomRow(static_cast<size_t>(n), t));
      for (uint32_t o = 0; o < outputs; ++o) diff.push_back(RandomRow(static_cast<size_t>(n), 100 + o));
      for (auto& row : src) srcs.push_back(row.data());
      for (auto& row : diff) diffs.push_back(row.data());
      std::vector<double> floats(srcs.size() * diffs.size(), 0.5), doubles = floats;
      for (const Range columns : {Range{0, n / 3}, Range{n / 3, n}}) {
        Dot<float>(srcs, diffs, columns, floats.data());
        Dot<double>(srcs, diffs, columns, doubles.data());
      }
      for (size_t t = 0; t < srcs.size(); ++t) {
        for (size_t o = 0; o < diffs.size(); ++o) {
          double expected = 0.5;
          for (int64_t x = 0; x < n; ++x)
            expected += static_cast<double>(srcs[t][x]) * static_cast<double>(diffs[o][x]);
          EXPECT_NEAR(floats[t * diffs.size() + o], expected, 1e-6 * std::sqrt(double(n)) + 1e-6);
          EXPECT_NEAR(doubles[t * diffs.size() + o], expected, 1e-14 * double(n));
        }
      }
      double expected = 0;
      for (float v : src[0]) expected += static_cast<double>(v);
      EXPECT_NEAR(Sum(srcs[0], n), expected, 1e-6 * std::sqrt(double(n)) + 1e-6);
    }
  }
}

TEST(Rows, KeepRepeats) {
  constexpr int64_t kBlock = 37, kBlocks = 6, kWidth = kBlock * kBlocks + 5;
  for (int64_t changed = 0; changed < kWidth; ++changed) {
    std::vector<float> flat(kWidth, 3), row(kWidth);
    for (int64_t x = 0; x < kWidth; ++x) row[static_cast<size_t>(x)] = static_cast<float>(x % kBlock);
    row[static_cast<size_t>(changed)] = -1;
    const std::vector<const float*> rows = {flat.data(), row.data()};
    std::vector<uint8_t> repeats(kBlocks, 1);
    repeats[4] = 0;
    KeepRepeats(rows, kWidth, kBlock, repeats);
    for (int64_t i = 0; i < kBlocks; ++i) {
      const bool differs = i == changed / kBlock || i == changed / kBlock + 1;
      EXPECT_EQ(repeats[static_cast<size_t>(i)], i > 0 && i != 4 && !differs) << changed << ", block " << i;
    }
  }
  // Bits, not numbers.
  const float nan = std::numeric_limits<float>::quiet_NaN(), row[] = {nan, nan, 0, -0.0f};
  const float* const rows[] = {row};
  std::vector<uint8_t> repeats(4, 1);
  KeepRepeats(rows, 4, 1, repeats);
  EXPECT_EQ(repeats, (std::vector<uint8_t>{0, 1, 0, 0}));
}

TEST(Rows, SplitAndMergeAreInverse) {
  for (int64_t phases = 2; phases <= 5; ++phases) {
    for (int64_t shift : {0, 1, 2, 3, 7}) {
      for (int64_t width : kLengths) {
        const std::vector<float> src = RandomRow(static_cast<size_t>(width), 3);
        const int64_t n = (width + shift) / phases + 3;
        std::vector<std::vector<float>> parts(static_cast<size_t>(phases),
                                              std::vector<float>(static_cast<size_t>(n), 7));
        std::vector<float*> rows;
        for (auto& part : parts) rows.push_back(part.data());
        Split(src.data(), width, shift, phases, rows.data(), n);
        for (int64_t p = 0; p < phases; ++p) {
          for (int64_t j = 0; j < n; ++j) {
            const int64_t x = j * phases + p - shift;
            EXPECT_EQ(rows[static_cast<size_t>(p)][j], x >= 0 && x < width ? src[static_cast<size_t>(x)] : 0);
          }
        }
        std::vector<float> merged(static_cast<size_t>(width) + 1, -1);
        Merge(rows.data(), 0, n, shift, phases, merged.data(), width, Store::kSet);
        Merge(rows.data(), 0, n, shift, phases, merged.data(), width, Store::kAdd);
        for (int64_t x = 0; x < width; ++x)
          EXPECT_EQ(merged[static_cast<size_t>(x)], 2 * src[static_cast<size_t>(x)]);
        EXPECT_EQ(merged.back(), -1);
      }
    }
  }
}

TEST(Rows, ToBytes) {
  std::vector<float> values;
  for (int i = 0; i <= 2000; ++i) values.push_back(static_cast<float>(i) / 2000);
  for (const size_t n : {size_t{1}, size_t{7}, size_t{16}, size_t{45}, values.size()}) {
    std::vector<uint8_t> bytes(n + 1, 7);
    ToBytes(values.data(), static_cast<int64_t>(n), 255, bytes.data());
    for (size_t i = 0; i < n; ++i) EXPECT_EQ(bytes[i], static_cast<int>(values[i] * 255.0f + 0.5f)) << i;
    EXPECT_EQ(bytes.back(), 7);
  }
}

TEST(Rows, FromBytes) {
  for (int64_t channels : {1, 3, 4}) {
    for (int64_t width : kLengths) {
      std::vector<uint8_t> src(static_cast<size_t>(width * channels));
      for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<uint8_t>(i * 37);
      const float zero[] = {255, 0, 3, 4}, scale[] = {-0.5f, 1, 0.25f, 2};
      std::vector<std::vector<float>> dst(static_cast<size_t>(channels),
                                          std::vector<float>(static_cast<size_t>(width) + 1, 5));
      std::vector<float*> rows;
      for (auto& row : dst) rows.push_back(row.data());
      FromBytes(src.data(), channels, width, zero, scale, rows.data());
      for (int64_t c = 0; c < channels; ++c) {
        for (int64_t x = 0; x < width; ++x) {
          EXPECT_EQ(rows[static_cast<size_t>(c)][x],
                    (static_cast<float>(src[static_cast<size_t>(x * channels + c)]) - zero[c]) * scale[c]);
        }
        EXPECT_EQ(rows[static_cast<size_t>(c)][width], 5);
      }
    }
  }
}

TEST(Rows, RoundsToTheNearestBFloat16) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const int64_t n : kLengths) {
    std::vector<float> src = RandomRow(static_cast<size_t>(n), 1);
    // 8 binary digits: a tie goes to the even neighbour, up or down; what is above the largest is infinite.
    const std::vector<std::pair<float, float>> known = {{0.0f, 0.0f},
                                                        {-0.0f, -0.0f},
                                                        {1 + 0x1p-8f, 1},
                                                        {1 + 3 * 0x1p-8f, 1 + 0x1p-6f},
                                                        {1 + 0x1.01p-8f, 1 + 0x1p-7f},
                                                        {-1 - 0x1p-8f, -1},
                                                        {0x1.ffp127f, infinity},
                                                        {0x1.fep127f, 0x1.fep127f},
                                                        {-infinity, -infinity},
                                                        {0x1p-149f, 0}};
    const size_t count = std::min(known.size(), src.size());
    for (size_t i = 0; i < count; ++i) src[i] = known[i].first;
    std::vector<BFloat16> rounded(src.size());
    Round(src.data(), n, rounded.data());
    std::vector<float> back(src.size());
    Widen(rounded.data(), n, back.data());
    std::vector<float> in_place = src;
    RoundInPlace(in_place.data(), n);
    EXPECT_EQ(in_place, back);
    for (size_t i = 0; i < src.size(); ++i) {
      EXPECT_EQ(rounded[i].bits, ToBFloat16(src[i]).bits) << src[i];
      EXPECT_EQ(back[i], FromBFloat16(rounded[i]));
      if (i < count) {
        EXPECT_EQ(back[i], known[i].second);
        EXPECT_EQ(std::signbit(back[i]), std::signbit(known[i].second));
      } else {
        EXPECT_LE(std::abs(back[i] - src[i]), 0x1p-8f * std::abs(src[i]));
      }
    }
    // Also one whose digits are all among those that go.
    src.assign(src.size(), std::bit_cast<float>(0x7f800001u));
    Round(src.data(), n, rounded.data());
    for (const BFloat16 value : rounded) EXPECT_TRUE(std::isnan(FromBFloat16(value)));
  }
}

TEST(Rows, InterleaveRoundsToBFloat16) {
  const std::vector<float> a = RandomRow(100, 1), b = RandomRow(100, 2);
  const float* const rows[] = {a.data(), b.data()};
  std::vector<BFloat16> dst(3 * 90);
  Interleave(rows, 7, 90, 3, dst.data());
  for (size_t x = 0; x < 90; ++x) {
    EXPECT_EQ(dst[3 * x].bits, ToBFloat16(a[x + 7]).bits);
    EXPECT_EQ(dst[3 * x + 1].bits, ToBFloat16(b[x + 7]).bits);
    EXPECT_EQ(dst[3 * x + 2].bits, 0);
  }
}

}  // namespace
}  // namespace swath::rows
