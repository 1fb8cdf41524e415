/// Every float kernel against the reference, on shapes at random.
#include "kernels/correlation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tensor/bfloat16.h"

namespace swath {
namespace {

/// Rows with a margin of zeros on both sides, as row rings have them.
struct Rows {
  Rows(int64_t channels, int64_t width, int64_t margin, bool bfloat16, std::mt19937* random) {
    std::normal_distribution<float> normal;
    for (int64_t c = 0; c < channels; ++c) {
      floats.emplace_back(static_cast<size_t>(width + 2 * margin), 0.0f);
      doubles.emplace_back(static_cast<size_t>(width), 0.0);
      for (int64_t x = 0; x < width; ++x) {
        float v = random ? normal(*random) : 0;
        if (bfloat16) v = RoundToBFloat16(v);
        floats.back()[static_cast<size_t>(x + margin)] = v;
        doubles.back()[static_cast<size_t>(x)] = static_cast<double>(v);
      }
    }
    for (int64_t c = 0; c < channels; ++c) {
      f.push_back(floats[static_cast<size_t>(c)].data() + margin);
      d.push_back(doubles[static_cast<size_t>(c)].data());
    }
  }
  std::vector<std::vector<float>> floats;
  std::vector<std::vector<double>> doubles;
  std::vector<float*> f;
  std::vector<double*> d;
};

void ExpectSame(const Rows& rows, int64_t width, double tolerance) {
  for (size_t c = 0; c < rows.f.size(); ++c) {
    for (int64_t x = 0; x < width; ++x)
      ASSERT_NEAR(rows.f[c][x], rows.d[c][x], tolerance * (1 + std::abs(rows.d[c][x])));
  }
}

/// 512 terms in a float32 sum that reaches about 10: the root of 512 roundings of 2^-24 of that, thrice over.
constexpr double kLongSums = 4e-5;

/// Rows [begin, end) of a tensor, of which only some are there.
struct Tensor {
  Tensor(Range window, int64_t all_channels, int64_t row_width, int64_t margin, bool bfloat16,
         std::mt19937* random)
      : range(window), channels(all_channels), width(row_width) {
    for (int64_t y = range.begin; y < range.end; ++y) {
      rows.emplace_back(channels, width, margin, bfloat16, random);
      f.insert(f.end(), rows.back().f.begin(), rows.back().f.end());
      d.insert(d.end(), rows.back().d.begin(), rows.back().d.end());
    }
  }
  /// Makes `columns` repeat every `period` of them, as those of empty glass do.
  void Repeat(Range columns, int64_t period) {
    for (size_t i = 0; i < f.size(); ++i) {
      for (int64_t x = std::max(columns.begin, period); x < std::min(columns.end, width); ++x) {
        f[i][x] = f[i][x - period];
        d[i][x] = d[i][x - period];
      }
    }
  }
  /// The reference's values, as a ReLU leaves them.
  void Rectify() {
    for (double* row : d) std::transform(row, row + width, row, [](double v) { return std::max(v, 0.0); });
  }
  /// The reference's values, as gates leave them.
  void Gate(const Tensor& gates) {
    for (size_t i = 0; i < d.size(); ++i) {
      for (int64_t x = 0; x < width; ++x) d[i][x] = gates.f[i][x] > 0 ? d[i][x] : 0;
    }
  }
  RowWindow<float> Floats() { return {range, channels, width, f.data()}; }
  RowWindow<double> Doubles() { return {range, channels, width, d.data()}; }
  RowWindow<const float> ConstFloats() { return {range, channels, width, f.data()}; }
  RowWindow<const double> ConstDoubles() { return {range, channels, width, d.data()}; }
  void ExpectSame(double tolerance) const {
    for (const Rows& row : rows) swath::ExpectSame(row, width, tolerance);
  }

  Range range;
  int64_t channels, width;
  std::vector<Rows> rows;
  std::vector<float*> f;
  std::vector<double*> d;
};

/// Forward with a bias and backward to add, as the layer does it: rows_at_once rows of what it writes and
/// those that they read, some of which lie outside the image. tolerance: of values, relative to 1 and
/// themselves. With shape.bfloat16 all factors are such numbers, so that products are exact. `glass`: columns
/// of the coarse tensor that are the same every `period`, and those of the fine one with them. Returns how
/// many multiply-adds were skipped.
struct Glass {
  Range columns;
  int64_t period = 1;
};
int64_t Check(const CorrelationShape& shape, uint32_t seed, std::unique_ptr<Correlation<float>> fast,
              double tolerance, const Glass& glass = {}) {
  std::mt19937 random(seed);
  const auto exact = MakeReferenceCorrelation(shape);
  const auto workspace = fast->MakeWorkspace();
  std::vector<float> weights(static_cast<size_t>(shape.weight_size()));
  std::normal_distribution<float> normal;
  for (float& w : weights) {
    w = normal(random) * 0.3f;
    if (shape.bfloat16) w = RoundToBFloat16(w);
  }
  exact->SetWeights(weights.data());
  fast->SetWeights(weights.data());
  const std::vector<float> bias(static_cast<size_t>(shape.coarse_channels + shape.fine_channels), 0.25f);
  const bool gathers = shape.rows.kind == Window::Kind::kGather;
  const int64_t first = static_cast<int64_t>(random() % 3), height = first + shape.rows_at_once + 4;
  const Range dst_rows{
      first, first + 1 + static_cast<int64_t>(random() % static_cast<uint32_t>(shape.rows_at_once))};
  const Range src_rows = Intersect(shape.rows.Src(dst_rows), {0, height});
  const int64_t src_channels = gathers ? shape.fine_channels : shape.coarse_channels,
                src_width = gathers ? shape.fine_width : shape.coarse_width,
                dst_channels = gathers ? shape.coarse_channels : shape.fine_channels,
                dst_width = gathers ? shape.coarse_width : shape.fine_width;
  Tensor src(src_rows, src_channels, src_width, fast->margin(), shape.bfloat16, &random),
      dst(dst_rows, dst_channels, dst_width, fast->margin(), shape.bfloat16, &random),
      diff_src(src_rows, src_channels, src_width, fast->margin(), shape.bfloat16, &random),
      diff_dst(dst_rows, dst_channels, dst_width, fast->margin(), shape.bfloat16, &random);
  const int64_t stride = shape.columns.stride;
  const auto repeat = [&](Tensor* tensor, bool coarse) {
    const int64_t of_one = coarse ? 1 : stride;
    tensor->Repeat({glass.columns.begin * of_one, glass.columns.end * of_one}, glass.period * of_one);
  };
  repeat(&src, !gathers);
  repeat(&diff_dst, gathers);
  // Also gradients that others have added to, here this and there that.
  if (seed % 4) repeat(&diff_src, !gathers);
  std::vector<double> diff_f(weights.size(), 0.0), diff_d(weights.size(), 0.0);
  if (gathers) {
    fast->Gather(src.ConstFloats(), bias.data(), dst.Floats(), Front::kForward, workspace.get());
    exact->Gather(src.ConstDoubles(), bias.data(), dst.Doubles(), Front::kForward, nullptr);
    fast->Scatter(diff_dst.ConstFloats(), nullptr, diff_src.Floats(), workspace.get());
    exact->Scatter(diff_dst.ConstDoubles(), nullptr, diff_src.Doubles(), nullptr);
    Tensor pulled(src_rows, src_channels, src_width, fast->margin(), shape.bfloat16, &random);
    const bool gates = fast->applies_gates() && seed % 3 > 0;
    fast->Pull(diff_dst.ConstFloats(), gates ? src.ConstFloats().pointers : nullptr, pulled.Floats(),
               workspace.get());
    exact->Pull(diff_dst.ConstDoubles(), nullptr, pulled.Doubles(), nullptr);
    if (gates) pulled.Gate(src);
    pulled.ExpectSame(tolerance);
    fast->AddWeightGradient(src.ConstFloats(), diff_dst.ConstFloats(), diff_f.data(), workspace.get());
    exact->AddWeightGradient(src.ConstDoubles(), diff_dst.ConstDoubles(), diff_d.data(), nullptr);
  } else {
    fast->Scatter(src.ConstFloats(), bias.data(), dst.Floats(), workspace.get());
    exact->Scatter(src.ConstDoubles(), bias.data(), dst.Doubles(), nullptr);
    workspace->Reset();
    fast->Gather(diff_dst.ConstFloats(), nullptr, diff_src.Floats(), Front::kBackward, workspace.get());
    exact->Gather(diff_dst.ConstDoubles(), nullptr, diff_src.Doubles(), Front::kBackward, nullptr);
    fast->AddWeightGradient(diff_dst.ConstFloats(), src.ConstFloats(), diff_f.data(), workspace.get());
    exact->AddWeightGradient(diff_dst.ConstDoubles(), src.ConstDoubles(), diff_d.data(), nullptr);
  }
  if (fast->applies_relu()) dst.Rectify();
  dst.ExpectSame(tolerance);
  diff_src.ExpectSame(tolerance);
  // kLongSums is for sums that reach 10 on their way. Those over columns reach what the largest of them does,
  // if only to come back: how many terms are added one after the other depends on the machine's vectors.
  double reach = 10;
  for (const double d : diff_d) reach = std::max(reach, std::abs(d));
  for (size_t i = 0; i < diff_f.size(); ++i) EXPECT_NEAR(diff_f[i], diff_d[i], kLongSums * reach / 10);
  return workspace ? workspace->skipped : 0;
}

CorrelationShape DrawShape(std::mt19937* random, int64_t groups, int64_t most_channels) {
  const auto draw = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>((*random)() % static_cast<uint32_t>(most - least + 1));
  };
  CorrelationShape shape{.groups = groups};
  shape.coarse_channels = groups * draw(1, most_channels);
  shape.fine_channels = groups * draw(1, most_channels);
  const Window::Kind kind = draw(0, 1) ? Window::Kind::kGather : Window::Kind::kScatter;
  shape.rows = {.kind = kind,
                .kernel = draw(1, 5),
                .stride = draw(0, 1) ? 1 : draw(2, 4),
                .dilation = draw(0, 1) ? 1 : draw(2, 3),
                .pad_begin = draw(0, 3)};
  shape.columns = {.kind = kind,
                   .kernel = draw(1, 9),
                   .stride = draw(0, 1) ? 1 : draw(2, 5),
                   .dilation = draw(1, 3),
                   .pad_begin = draw(0, 5),
                   .pad_end = draw(0, 5)};
  shape.rows_at_once = draw(1, 5);
  shape.multiply_adds = draw(0, 2) * 40;  // sums in doubles; those over taps only; none, or only the image's
  shape.image_channels.resize(
      static_cast<size_t>(kind == Window::Kind::kGather ? shape.fine_channels : shape.coarse_channels));
  for (auto&& image : shape.image_channels) image = draw(0, 2) == 0;
  shape.fine_width = draw(1, 90);
  Window conv = shape.columns;
  conv.kind = Window::Kind::kGather;
  while (conv.DstSize(shape.fine_width) < 1) ++shape.fine_width;
  shape.coarse_width = conv.DstSize(shape.fine_width);
  return shape;
}

/// Makes a shape one that the kernel takes.
CorrelationShape ForHighway(CorrelationShape shape) {
  if (!TakesHighway(shape)) {
    if (shape.columns.stride > 1) shape.columns.dilation = 1;
    if (!TakesHighway(shape)) shape.columns.stride = 4;
    Window conv = shape.columns;
    conv.kind = Window::Kind::kGather;
    while (conv.DstSize(shape.fine_width) < 1) ++shape.fine_width;
    shape.coarse_width = conv.DstSize(shape.fine_width);
  }
  return shape;
}

TEST(Correlation, HighwayEqualsTheReference) {
  std::mt19937 random(1);
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    CorrelationShape shape = ForHighway(DrawShape(&random, 1 + seed % 3, 6));
    shape.relu = seed % 2 == 1;
    // Sums in doubles are exact: rounding the result is all there is.
    Check(shape, seed, MakeHighwayCorrelation(shape), shape.multiply_adds <= 40 ? 0x1p-23 : kLongSums);
  }
}

TEST(Correlation, PhasesEqualTheReference) {
  std::mt19937 random(1);
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    const CorrelationShape shape = DrawShape(&random, 1 + seed % 3, 6);
    if (shape.columns.stride == 1) continue;
    Check(shape, seed, MakePhasesCorrelation(shape), shape.multiply_adds <= 40 ? 0x1p-23 : kLongSums);
  }
}

/// Where columns repeat, here and there or all along the row.
TEST(Correlation, HighwaySkipsWhatRepeats) {
  std::mt19937 random(4);
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    CorrelationShape shape = DrawShape(&random, 1 + seed % 3, 6);
    Window conv = shape.columns;
    conv.kind = Window::Kind::kGather;
    shape.fine_width = 700 * conv.stride + static_cast<int64_t>(random() % 64);
    shape.coarse_width = conv.DstSize(shape.fine_width);
    shape.relu = seed % 2 == 1;
    const auto make = TakesHighway(shape) ? MakeHighwayCorrelation : MakePhasesCorrelation;
    Check(shape, seed, make(shape), kLongSums, {{100, 500}, conv.stride % 2 ? 2 : 1});
    Check(shape, seed, make(shape), 0x1p-20, {{0, shape.fine_width}});
  }
}

TEST(Correlation, HighwaySkipsMostOfAnEmptyRow) {
  CorrelationShape shape{.coarse_channels = 3, .fine_channels = 4, .coarse_width = 10000};
  shape.rows = {.kernel = 1};
  shape.columns = {.kernel = 5, .pad_begin = 2, .pad_end = 2};
  shape.fine_width = shape.coarse_width;
  const int64_t skipped = Check(shape, 1, MakeHighwayCorrelation(shape), 0x1p-20, {{0, shape.fine_width}});
  // Forward, gradient of the source and of the weights.
  EXPECT_GT(skipped, 0.95 * 3 * shape.weight_size() * shape.coarse_width);
}

TEST(Correlation, OneDnnEqualsTheReference) {
  std::mt19937 random(2);
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const CorrelationShape shape = DrawShape(&random, 1, seed % 4 ? 20 : 130);
    Check(shape, seed, MakeOneDnnCorrelation(shape), kLongSums);
  }
}

/// Whether or not the processor multiplies bfloat16.
TEST(Correlation, OneDnnOfBFloat16EqualsTheReference) {
  std::mt19937 random(5);
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    CorrelationShape shape = DrawShape(&random, 1, seed % 4 ? 20 : 130);
    shape.bfloat16 = true;
    Check(shape, seed, MakeOneDnnCorrelation(shape), kLongSums);
  }
}

/// More columns, and more channels, than go into one sum of float32.
TEST(Correlation, OneDnnCutsLongSums) {
  CorrelationShape shape{.coarse_channels = 24, .fine_channels = 401};
  shape.rows = {.kernel = 3, .pad_begin = 1, .pad_end = 1};
  shape.columns = {.kernel = 3, .pad_begin = 1, .pad_end = 1};
  shape.fine_width = shape.coarse_width = 1300;
  Check(shape, 1, MakeOneDnnCorrelation(shape), kLongSums);
  std::swap(shape.coarse_channels, shape.fine_channels);
  Check(shape, 2, MakeOneDnnCorrelation(shape), kLongSums);
}

TEST(Correlation, GemmEqualsTheReference) {
  std::mt19937 random(3);
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const CorrelationShape shape = DrawShape(&random, 1, seed % 4 ? 20 : 130);
    Check(shape, seed, MakeGemmCorrelation(shape), kLongSums);
  }
}

/// More columns, and more channels, than go into one sum of float32.
TEST(Correlation, GemmCutsLongSums) {
  CorrelationShape shape{.coarse_channels = 24, .fine_channels = 401};
  shape.rows = {.kernel = 3, .pad_begin = 1, .pad_end = 1};
  shape.columns = {.kernel = 3, .pad_begin = 1, .pad_end = 1};
  shape.fine_width = shape.coarse_width = 1300;
  Check(shape, 1, MakeGemmCorrelation(shape), kLongSums);
  std::swap(shape.coarse_channels, shape.fine_channels);
  Check(shape, 2, MakeGemmCorrelation(shape), kLongSums);
}

}  // namespace
}  // namespace swath
