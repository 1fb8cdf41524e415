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
    if (w.kind != Window::Kind::kGather) continue;
    int64_t first = 0;
    while (first < dst && w.Src(first).end <= r) ++first;
    if (first < dst) {
      EXPECT_EQ(std::max<int64_t>(0, w.FirstDst(r)), first);
    }
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

/// That ranges hold what is read, never go back, and that nobody reads an index after its last reader.
/// `reads` gives the indices that y reads, by definition.
template <class ReadsOf>
void CheckRanges(const Window& w, int64_t src, int64_t dst, const ReadsOf& reads) {
  Range before = w.Src(0);
  for (int64_t y = 0; y < dst; ++y) {
    const Range range = w.Src(y);
    EXPECT_GE(range.begin, std::max<int64_t>(0, before.begin)) << y;
    EXPECT_LE(range.end, src);
    EXPECT_GE(range.end, before.end);
    EXPECT_LE(range.size(), w.most_src());
    EXPECT_EQ(w.Src(Range{0, y + 1}).end, range.end);
    for (const int64_t r : reads(y)) {
      EXPECT_TRUE(range.contains(r)) << "output " << y << " reads " << r;
      EXPECT_LE(y, w.LastDst(r)) << "a reader of " << r << " after the last one";
    }
    before = range;
  }
}

/// As a resize has it: from ⌊(y · stride - pad) / divisor⌋ on, and the edge in place of what lies outside.
TEST(Window, FractionsAndEdgesEqualBruteForce) {
  for (int64_t divisor = 1; divisor <= 6; ++divisor) {
    for (int64_t stride = 0; stride <= 7; ++stride) {
      for (int64_t pad = -5; pad <= 5; ++pad) {
        for (int64_t kernel = 1; kernel <= 2; ++kernel) {
          for (const int64_t src : {1, 2, 7}) {
            SCOPED_TRACE(testing::Message()
                         << "divisor " << divisor << ", stride " << stride << ", pad " << pad);
            const Window w{
                .kernel = kernel, .stride = stride, .pad_begin = pad, .divisor = divisor, .clamp = src};
            CheckRanges(w, src, 3 * src * divisor, [&](int64_t y) {
              std::vector<int64_t> reads;
              const double first =
                  std::floor(static_cast<double>(y * stride - pad) / static_cast<double>(divisor));
              for (int64_t i = 0; i < kernel; ++i)
                reads.push_back(std::clamp<int64_t>(static_cast<int64_t>(first) + i, 0, src - 1));
              return reads;
            });
          }
        }
      }
    }
  }
}

TEST(Window, ReflectionEqualsBruteForce) {
  for (const int64_t src : {2, 3, 8}) {
    for (int64_t begin = 0; begin < src; ++begin) {
      for (int64_t end = 0; end < src; ++end) {
        SCOPED_TRACE(testing::Message() << src << " padded by " << begin << " and " << end);
        const Window w{.kind = Window::Kind::kReflect, .pad_begin = begin, .pad_end = end, .clamp = src};
        CheckRanges(w, src, src + begin + end, [&](int64_t y) {
          const int64_t at = std::abs(y - begin);
          return std::vector<int64_t>{at < src ? at : 2 * (src - 1) - at};
        });
      }
    }
  }
}

/// Far from the origin everything is as near it, moved by whole periods.
TEST(Window, IndicesBeyond32BitsAreLikeSmallOnes) {
  constexpr int64_t kFar = int64_t{1} << 40;
  const Window windows[] = {
      {.kernel = 8, .stride = 4, .pad_begin = 2, .pad_end = 2},
      {.kernel = 3, .stride = 5, .dilation = 2, .pad_begin = 1},
      {.kernel = 2, .stride = 3, .pad_begin = -1, .divisor = 7},
      {.kind = Window::Kind::kScatter, .kernel = 8, .stride = 4, .pad_begin = 2, .pad_end = 2},
      {.kind = Window::Kind::kScatter, .kernel = 3, .stride = 2, .dilation = 3, .pad_begin = 1}};
  for (const Window& w : windows) {
    const bool gather = w.kind == Window::Kind::kGather;
    const int64_t dst = kFar * (gather ? w.divisor : w.stride), src = kFar * (gather ? w.stride : 1);
    for (int64_t y = 0; y < 20; ++y) {
      const Range near = w.Src(y), far = w.Src(dst + y);
      EXPECT_EQ(far, (Range{near.begin + src, near.end + src}));
      for (int64_t r = near.begin - 1; w.divisor == 1 && r <= near.end; ++r)
        EXPECT_EQ(w.Tap(dst + y, src + r), w.Tap(y, r));
    }
    for (int64_t r = 0; r < 20; ++r) EXPECT_EQ(w.LastDst(src + r), w.LastDst(r) + dst);
    if (w.divisor == 1) {
      EXPECT_EQ(w.DstSize(src + 50), w.DstSize(50) + dst);
    }
  }
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
