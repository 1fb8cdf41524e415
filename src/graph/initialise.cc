#include "graph/initialise.h"

#include <cassert>
#include <cmath>
#include <numbers>

namespace swath {
namespace {

using Filter = std::vector<double>;

double Dot(const Filter& a, const Filter& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void Project(const Filter& away_from, Filter* filter) {
  const double along = Dot(away_from, *filter);
  for (size_t i = 0; i < filter->size(); ++i) (*filter)[i] -= along * away_from[i];
}

/// A random filter of unit norm, orthogonal to all of `basis` (which are orthonormal and do not span the
/// space).
Filter DrawOrthogonal(const std::vector<Filter>& basis, SplitMix64* random) {
  for (;;) {
    Filter filter(basis[0].size());
    for (double& value : filter) value = 2 * random->Uniform() - 1;
    for (const Filter& other : basis) Project(other, &filter);
    // A second time, since the first leaves rounding errors that count where little remains.
    for (const Filter& other : basis) Project(other, &filter);
    const double norm = std::sqrt(Dot(filter, filter));
    if (norm < 1e-3) continue;
    for (double& value : filter) value /= norm;
    return filter;
  }
}

/// The filters of one phase, by dst channel. Past fan_in - 1 of them a new set of orthogonal ones begins.
std::vector<Filter> DrawPhase(const FilterBank& bank, size_t fan_in, SplitMix64* random) {
  const double size = static_cast<double>(fan_in);
  std::vector<Filter> filters;
  for (int64_t dst = 0; dst < bank.dst_channels; ++dst) {
    filters.emplace_back(fan_in, (dst % 2 == 0 ? bank.level_gain : -bank.level_gain) / size);
  }
  if (fan_in == 1) return filters;  // a single tap has no part that sums to zero
  const std::vector<Filter> ones = {Filter(fan_in, 1 / std::sqrt(size))};
  std::vector<Filter> basis = ones;
  for (Filter& filter : filters) {
    if (basis.size() == fan_in) basis = ones;
    basis.push_back(DrawOrthogonal(basis, random));
    for (size_t i = 0; i < fan_in; ++i) filter[i] += bank.texture_norm * basis.back()[i];
  }
  return filters;
}

}  // namespace

std::vector<float> DrawFilters(const FilterBank& bank, SplitMix64* random) {
  assert(bank.kernel >= bank.stride);
  const int64_t k = bank.kernel, s = bank.stride;
  std::vector<float> weights(static_cast<size_t>(bank.dst_channels * bank.src_channels * k * k));
  for (int64_t phase = 0; phase < s * s; ++phase) {
    std::vector<int64_t> taps;  // offsets into [src, row, column]
    for (int64_t src = 0; src < bank.src_channels; ++src) {
      for (int64_t r = phase / s; r < k; r += s) {
        for (int64_t c = phase % s; c < k; c += s) taps.push_back((src * k + r) * k + c);
      }
    }
    const std::vector<Filter> filters = DrawPhase(bank, taps.size(), random);
    for (int64_t dst = 0; dst < bank.dst_channels; ++dst) {
      float* plane = weights.data() + dst * bank.src_channels * k * k;
      for (size_t i = 0; i < taps.size(); ++i)
        plane[taps[i]] = static_cast<float>(filters[static_cast<size_t>(dst)][i]);
    }
  }
  return weights;
}

void AddWaves(const FilterBank& bank, double norm, std::vector<float>* weights) {
  assert(bank.dst_channels == 2);
  const int64_t k = bank.kernel;
  // Σ cos² over a whole period is half the number of taps.
  const double amplitude = norm / std::sqrt(0.5 * static_cast<double>(bank.src_channels * k * k));
  for (int64_t i = 0; i < static_cast<int64_t>(weights->size()); ++i) {
    const bool along_columns = i < static_cast<int64_t>(weights->size()) / 2;
    const double position = static_cast<double>(along_columns ? i % k : i / k % k) + 0.5;
    (*weights)[static_cast<size_t>(i)] +=
        static_cast<float>(amplitude * std::cos(2 * std::numbers::pi * position / static_cast<double>(k)));
  }
}

float InitialBias(int64_t dst_channel) { return dst_channel % 2 == 0 ? 0.1f : 1.0f; }

std::vector<float> DrawNormal(int64_t count, double deviation, SplitMix64* random) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(count));
  while (static_cast<int64_t>(values.size()) < count) {
    const double radius = deviation * std::sqrt(-2 * std::log(1 - random->Uniform()));
    const double angle = 2 * std::numbers::pi * random->Uniform();
    values.push_back(static_cast<float>(radius * std::cos(angle)));
    if (static_cast<int64_t>(values.size()) < count)
      values.push_back(static_cast<float>(radius * std::sin(angle)));
  }
  return values;
}

}  // namespace swath
