/// The row rules against brute force: every kernel, stride, dilation and pad up to a few, every row.
#include "geometry/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace swath {
namespace {

/// By definition: the source indices that output y reads, taps in order, padding included.
std::vector<int64_t> Reads(const Window& w, int64_t y, int64_t src) {
  std::vector<int64_t> reads;
  for (int64_t i = 0; i < w.kernel; ++i) {
    if (w.kind == Window::Kind::kGather) {
      reads.push_back(y * w.stride - w.pad_begin + i * w.dilation);
    } else {
      for (int64_t x = -50; x < src + 50; ++x) {
        if (x * w.stride - w.pad_begin + i * w.dilation == y) reads.push_back(x);
      }
    }
  }
  return reads;
}

void Check(const Window& w, int64_t src) {
  const int64_t dst = w.DstSize(src);
  if (dst < 1) return;
  Range last_range{-1000, -1000};
  for (int64_t y = 0; y < dst; ++y) {
    const std::vector<int64_t> reads = Reads(w, y, src);
    const Range range = w.Src(y);
    for (int64_t r : reads) EXPECT_TRUE(range.contains(r));
    for (int64_t r = range.begin; r < range.end; ++r) {
      const bool read = std::find(reads.begin(), reads.end(), r) != reads.end();
      EXPECT_EQ(w.Tap(y, r) >= 0, read);
      EXPECT_LE(y, w.LastDst(r)) << "a reader after the last one";
    }
    EXPECT_EQ(w.Tap(y, range.begin - 1), -1);
    EXPECT_EQ(w.Tap(y, range.end), -1);
    // Rows are freed in order: neither end ever goes back.
    EXPECT_GE(range.begin, last_range.begin);
    EXPECT_GE(range.end, last_range.end);
    last_range = range;
    EXPECT_EQ(w.Src(Range{0, y + 1}).end, range.end);
  }
  for (int64_t r = 0; r < src; ++r) {
    for (int64_t y = std::max<int64_t>(0, w.LastDst(r) + 1); y < dst; ++y) EXPECT_EQ(w.Tap(y, r), -1);
  }
}

TEST(Window, EqualsBruteForce) {
  int64_t cases = 0;
  for (const auto kind : {Window::Kind::kGather, Window::Kind::kScatter}) {
    for (int64_t kernel = 1; kernel <= 5; ++kernel) {
      for (int64_t stride = 1; stride <= 5; ++stride) {
        for (int64_t dilation = 1; dilation <= 3; ++dilation) {
          for (int64_t begin = 0; begin <= 3; ++begin) {
            for (int64_t end = 0; end <= 2; ++end) {
              for (int64_t src : {1, 2, 7, 12}) {
                Check({.kind = kind,
                       .kernel = kernel,
                       .stride = stride,
                       .dilation = dilation,
                       .pad_begin = begin,
                       .pad_end = end,
                       .output_padding = kind == Window::Kind::kScatter ? end : 0},
                      src);
                ++cases;
              }
            }
          }
        }
      }
    }
  }
  EXPECT_EQ(cases, 2 * 5 * 5 * 3 * 4 * 3 * 4);
}

TEST(Window, OutputSizes) {
  EXPECT_EQ((Window{.kernel = 8, .stride = 4, .pad_begin = 2, .pad_end = 2}.DstSize(64000)), 16000);
  EXPECT_EQ(
      (Window{.kind = Window::Kind::kScatter, .kernel = 8, .stride = 4, .pad_begin = 2, .pad_end = 2}.DstSize(
          16000)),
      64000);
  // ceil_mode: one last window that starts in the end padding is dropped (ONNX AveragePool, opset 19;
  // PyTorch).
  EXPECT_EQ((Window{.kernel = 2, .stride = 2, .rounding = Rounding::kCeil}.DstSize(5)), 3);
  EXPECT_EQ((Window{.kernel = 1, .stride = 3, .pad_end = 2, .rounding = Rounding::kCeil}.DstSize(3)), 2);
  EXPECT_LE((Window{.kernel = 9}.DstSize(5)), 0);
}

TEST(Window, DivisionRoundsTheRightWay) {
  for (int64_t a = -20; a <= 20; ++a) {
    for (int64_t b = 1; b <= 7; ++b) {
      EXPECT_EQ(FloorDiv(a, b),
                static_cast<int64_t>(std::floor(static_cast<double>(a) / static_cast<double>(b))));
      EXPECT_EQ(CeilDiv(a, b),
                static_cast<int64_t>(std::ceil(static_cast<double>(a) / static_cast<double>(b))));
    }
  }
}

}  // namespace
}  // namespace swath
