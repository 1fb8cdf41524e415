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

void ExpectSame(const Rows& rows, int64_t width) {
  for (size_t c = 0; c < rows.f.size(); ++c) {
    // Sums are exact, so two roundings of the result are all there is: set, then add.
    for (int64_t x = 0; x < width; ++x)
      ASSERT_NEAR(rows.f[c][x], rows.d[c][x], 0x1p-23 * (1 + std::abs(rows.d[c][x])));
  }
}

void Check(const CorrelationShape& shape, uint32_t seed) {
  std::mt19937 random(seed);
  const auto exact = MakeReferenceCorrelation(shape);
  const auto fast = ChooseCorrelation<float>(shape);
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
  Rows gathered(shape.coarse_channels, shape.coarse_width, fast->margin(), nullptr);
  Rows scattered(shape.fine_channels, shape.fine_width, fast->margin(), nullptr);
  for (const float* b : {bias.data(), static_cast<const float*>(nullptr)}) {  // set, then add
    fast->Gather(fine_f, b, gathered.f.data(), Front::kForward, workspace.get());
    exact->Gather(fine_d, b, gathered.d.data(), Front::kForward, nullptr);
    fast->Scatter(coarse_f, b, scattered.f.data(), workspace.get());
    exact->Scatter(coarse_d, b, scattered.d.data(), nullptr);
  }
  ExpectSame(gathered, shape.coarse_width);
  ExpectSame(scattered, shape.fine_width);
  std::vector<double> diff_f(weights.size(), 0.0), diff_d(weights.size(), 0.0);
  fast->AddWeightGradient(fine_f, coarse[0].f.data(), diff_f.data(), workspace.get());
  exact->AddWeightGradient(fine_d, coarse[0].d.data(), diff_d.data(), nullptr);
  for (size_t i = 0; i < diff_f.size(); ++i) ASSERT_NEAR(diff_f[i], diff_d[i], 1e-5);
}

TEST(Correlation, FastKernelsEqualTheReference) {
  std::mt19937 random(1);
  const auto draw = [&](int64_t least, int64_t most) {
    return least + static_cast<int64_t>(random() % static_cast<uint32_t>(most - least + 1));
  };
  for (uint32_t seed = 0; seed < 400; ++seed) {
    const int64_t groups = draw(1, 3);
    CorrelationShape shape{.groups = groups, .row_taps = draw(1, 4)};
    shape.coarse_channels = groups * draw(1, 6);
    shape.fine_channels = groups * draw(1, 6);
    shape.row_extent = shape.row_taps;
    shape.columns = {.kernel = draw(1, 9),
                     .stride = draw(1, 5),
                     .dilation = draw(1, 3),
                     .pad_begin = draw(0, 5),
                     .pad_end = draw(0, 5)};
    shape.fine_width = draw(1, 90);
    while (shape.columns.DstSize(shape.fine_width) < 1) ++shape.fine_width;
    shape.coarse_width = shape.columns.DstSize(shape.fine_width);
    SCOPED_TRACE(seed);
    Check(shape, seed);
  }
}

}  // namespace
}  // namespace swath
