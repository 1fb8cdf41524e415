#include "kernels/peak.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "base/seconds_since.h"

// The order of these lines is Highway's.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/peak.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep: compiles this file again for every target

#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace swath::peak::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Chains that do not wait for one another: more than latency times units, and what 16 registers hold.
constexpr int kChains = 12;

/// Multiply-adds of `rounds` rounds of all chains; what they come to is returned, so that they are done.
int64_t MultiplyAdds(int64_t rounds, float seed, float* result) {
  using D = hn::ScalableTag<float>;
  const D d;
  const auto a = hn::Set(d, 0.5f + seed), b = hn::Set(d, 0.25f);
  hn::Vec<D> chains[kChains];
  for (int c = 0; c < kChains; ++c) chains[c] = hn::Iota(d, static_cast<float>(c));
  for (int64_t i = 0; i < rounds; ++i) {
    for (auto& chain : chains) chain = hn::MulAdd(chain, a, b);
  }
  auto sum = chains[0];
  for (int c = 1; c < kChains; ++c) sum = hn::Add(sum, chains[c]);
  *result = hn::GetLane(hn::SumOfLanes(d, sum));
  return rounds * kChains * static_cast<int64_t>(hn::Lanes(d));
}

}  // namespace swath::peak::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::peak {

HWY_EXPORT(MultiplyAdds);

int64_t Compute(int64_t rounds, float seed, float* result) {
  return HWY_DYNAMIC_DISPATCH(MultiplyAdds)(rounds, seed, result);
}

}  // namespace swath::peak

namespace swath {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.2;
constexpr int kRuns = 3;

/// The most of a few runs: whatever else the machine does takes away, and adds nothing. work() goes on for
/// kSeconds at least and returns what it did a second.
double Most(int64_t threads, const std::function<double()>& work) {
  double most = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> rates(static_cast<size_t>(threads));
    {
      std::vector<std::jthread> others;
      for (size_t i = 1; i < rates.size(); ++i) others.emplace_back([&, i] { rates[i] = work(); });
      rates[0] = work();
    }
    double sum = 0;
    for (const double rate : rates) sum += rate;
    most = std::max(most, sum);
  }
  return most;
}

}  // namespace

double PeakMultiplyAdds(int64_t threads) {
  return Most(threads, [] {
    volatile float seed = 0, sink = 0;
    int64_t done = 0;
    const auto start = Clock::now();
    do {
      float result = 0;
      done += peak::Compute(1 << 18, seed, &result);
      sink = result;
    } while (SecondsSince(start) < kSeconds);
    static_cast<void>(sink);
    return static_cast<double>(done) / SecondsSince(start);
  });
}

double CopyBandwidth(int64_t threads) {
  constexpr size_t kBytes = size_t{64} << 20;
  return Most(threads, [] {
    std::vector<char> from(kBytes, 1), to(kBytes, 2);
    int64_t done = 0;
    const auto start = Clock::now();
    do {
      std::memcpy(to.data(), from.data(), kBytes);
      from[0] = to[kBytes - 1];
      done += 2 * static_cast<int64_t>(kBytes);
    } while (SecondsSince(start) < kSeconds);
    return static_cast<double>(done) / SecondsSince(start);
  });
}

}  // namespace swath
#endif  // HWY_ONCE
