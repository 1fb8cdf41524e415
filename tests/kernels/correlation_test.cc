/// Every float kernel against the reference, on shapes at random.
#include "kernels/correlation.h"

#include <gtest/gtest.h>

#include <random>

namespace swath {
namespace {

/// Rows with a margin of zeros on both sides, as row rings have them.
struct Rows {
  Rows(int64_t channels, int64_t width, int64_t margin, std::mt19937* random) {
    std::normal_distribution<float> normal;
    for (int64_t c = 0; c < channels; ++c) {
      floats.emplace_back(static_cast<size_t>(width + 2 * margin), 0.0f);
      doubles.emplace_back(static_cast<size_t>(width), 0.0);
      for (int64_t x = 0; x < width; ++x) {
        const float v = random ? normal(*random) : 0;
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

/// tolerance: of values, relative to 1 and themselves.
void Check(const CorrelationShape& shape, uint32_t seed, std::unique_ptr<Correlation<float>> fast,
           double tolerance) {
  std::mt19937 random(seed);
  const auto exact = MakeReferenceCorrelation(shape);
  const auto workspace = fast->MakeWorkspace();
  std::vector<float> weights(static_cast<size_t>(shape.weight_size()));
  std::normal_distribution<float> normal;
  for (float& w : weights) w = normal(random) * 0.3f;
  exact->SetWeights(weights.data());
  fast->SetWeights(weights.data());
  const std::vector<float> bias(static_cast<size_t>(shape.coarse_channels + shape.fine_channels), 0.25f);
  std::vector<Rows> fine, coarse;
  std::vector<TapRow<float>> fine_f, coarse_f;
  std::vector<TapRow<double>> fine_d, coarse_d;
  for (int64_t tap = 0; tap < shape.row_taps; ++tap) {
    fine.emplace_back(shape.fine_channels, shape.fine_width, fast->margin(), &random);
    coarse.emplace_back(shape.coarse_channels, shape.coarse_width, fast->margin(), &random);
  }
  for (size_t i = 0; i < fine.size(); ++i) {
    const int64_t tap = static_cast<int64_t>(i);
    fine_f.push_back({tap, tap, fine[i].f.data()});
    fine_d.push_back({tap, tap, fine[i].d.data()});
    coarse_f.push_back({tap, tap, coarse[i].f.data()});
    coarse_d.push_back({tap, tap, coarse[i].d.data()});
  }
  Rows gathered(shape.coarse_channels, shape.coarse_width, fast->margin(), &random);
  Rows scattered(shape.fine_channels, shape.fine_width, fast->margin(), &random);
  // As the layer does it: forward with a bias and all rows at once, backward to add, a row at a time.
  if (shape.columns.kind == Window::Kind::kGather) {
    fast->Gather(fine_f, bias.data(), gathered.f.data(), Front::kForward, workspace.get());
    exact->Gather(fine_d, bias.data(), gathered.d.data(), Front::kForward, nullptr);
    for (size_t i = 0; i < coarse_f.size(); ++i) {
      fast->Scatter({&coarse_f[i], 1}, nullptr, scattered.f.data(), workspace.get());
      exact->Scatter({&coarse_d[i], 1}, nullptr, scattered.d.data(), nullptr);
    }
  } else {
    fast->Scatter(coarse_f, bias.data(), scattered.f.data(), workspace.get());
    exact->Scatter(coarse_d, bias.data(), scattered.d.data(), nullptr);
    for (size_t i = 0; i < fine_f.size(); ++i) {
      workspace->Reset();
      fast->Gather({&fine_f[i], 1}, nullptr, gathered.f.data(), Front::kBackward, workspace.get());
      exact->Gather({&fine_d[i], 1}, nullptr, gathered.d.data(), Front::kBackward, nullptr);
    }
  }
  ExpectSame(gathered, shape.coarse_width, tolerance);
  ExpectSame(scattered, shape.fine_width, tolerance);
  std::vector<double> diff_f(weights.size(), 0.0), diff_d(weights.size(), 0.0);
  if (shape.columns.kind == Window::Kind::kGather) {
    fast->AddWeightGradient(fine_f, coarse_f[0], diff_f.data(), workspace.get());
    exact->AddWeightGradient(fine_d, coarse_d[0], diff_d.data(), nullptr);
  } else {
    for (size_t i = 0; i < fine_f.size(); ++i) {
      workspace->Reset();
      fast->AddWeightGradient({&fine_f[i], 1}, coarse_f[i], diff_f.data(), workspace.get());
      exact->AddWeightGradient({&fine_d[i], 1}, coarse_d[i], diff_d.data(), nullptr);
    }
  }
  // kLongSums is for sums that reach 10 on their way. Those over columns reach what the largest of them does,
  // if only to come back: how many terms are added one after the other depends on the machine's vectors.
  double reach = 10;
  for (const double d : diff_d) reach = std::max(reach, std::abs(d));
  for (size_t i = 0; i < diff_f.size(); ++i) ASSERT_NEAR(diff_f[i], diff_d[i], kLongSums * reach / 10);
}

CorrelationShape DrawShape(std::mt19937* random, int64_t groups, int64_t most_channels) {
  const auto draw = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>((*random)() % static_cast<uint32_t>(most - least + 1));
  };
  CorrelationShape shape{.groups = groups, .row_taps = draw(1, 4)};
  shape.coarse_channels = groups * draw(1, most_channels);
  shape.fine_channels = groups * draw(1, most_channels);
  shape.window_rows = shape.row_taps;
  shape.columns = {.kind = draw(0, 1) ? Window::Kind::kGather : Window::Kind::kScatter,
                   .kernel = draw(1, 9),
                   .stride = draw(1, 5),
                   .dilation = draw(1, 3),
                   .pad_begin = draw(0, 5),
                   .pad_end = draw(0, 5)};
  shape.fine_width = draw(1, 90);
  Window conv = shape.columns;
  conv.kind = Window::Kind::kGather;
  while (conv.DstSize(shape.fine_width) < 1) ++shape.fine_width;
  shape.coarse_width = conv.DstSize(shape.fine_width);
  return shape;
}

TEST(Correlation, HighwayEqualsTheReference) {
  std::mt19937 random(1);
  for (uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    const CorrelationShape shape = DrawShape(&random, 1 + seed % 3, 6);
    // Sums are exact: a rounding of the result for each row that is added is all there is.
    Check(shape, seed, MakeHighwayCorrelation(shape), 0x1p-21);
  }
}

TEST(Correlation, OneDnnEqualsTheReference) {
  std::mt19937 random(2);
  for (uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    const CorrelationShape shape = DrawShape(&random, 1, seed % 4 ? 20 : 130);
    Check(shape, seed, MakeOneDnnCorrelation(shape), kLongSums);
  }
}

/// More columns, and more channels, than go into one sum of float32.
TEST(Correlation, OneDnnCutsLongSums) {
  CorrelationShape shape{.coarse_channels = 24, .fine_channels = 401, .row_taps = 3, .window_rows = 3};
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
  CorrelationShape shape{.coarse_channels = 24, .fine_channels = 401, .row_taps = 3, .window_rows = 3};
  shape.columns = {.kernel = 3, .pad_begin = 1, .pad_end = 1};
  shape.fine_width = shape.coarse_width = 1300;
  Check(shape, 1, MakeGemmCorrelation(shape), kLongSums);
  std::swap(shape.coarse_channels, shape.fine_channels);
  Check(shape, 2, MakeGemmCorrelation(shape), kLongSums);
}

}  // namespace
}  // namespace swath
