/// Which slide a step takes.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/random.h"

namespace swath {

/// 0 … slides - 1, shuffled (Fisher and Yates) by seed and epoch alone, so a continued run needs no state for
/// it.
inline std::vector<int64_t> EpochOrder(uint64_t seed, int64_t epoch, int64_t slides) {
  SplitMix64 random(SplitMix64(seed).Next() + static_cast<uint64_t>(epoch));
  std::vector<int64_t> order(static_cast<size_t>(slides));
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Next() % i]);
  return order;
}

}  // namespace swath
