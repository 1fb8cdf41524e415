/// Sums whose roundings do not pile up.
#pragma once

#include <cstdint>

namespace swath {

/// Σ f(i) for i in [begin, end), by halves: the error grows with log n instead of n. It matters where many
/// terms are equal, as they are over empty glass: one long sum rounds all of them the same way.
template <class F>
double PairwiseSum(int64_t begin, int64_t end, const F& f) {
  constexpr int64_t kAtOnce = 32;
  if (end - begin > kAtOnce) {
    const int64_t middle = begin + (end - begin) / 2;
    return PairwiseSum(begin, middle, f) + PairwiseSum(middle, end, f);
  }
  double sum = 0;
  for (int64_t i = begin; i < end; ++i) sum += f(i);
  return sum;
}

}  // namespace swath
