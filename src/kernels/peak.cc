#include "kernels/peak.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

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
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.5f + seed), b = hn::Set(d, 0.25f);
  auto s0 = hn::Iota(d, 0), s1 = hn::Iota(d, 1), s2 = hn::Iota(d, 2), s3 = hn::Iota(d, 3),
       s4 = hn::Iota(d, 4), s5 = hn::Iota(d, 5), s6 = hn::Iota(d, 6), s7 = hn::Iota(d, 7),
       s8 = hn::Iota(d, 8), s9 = hn::Iota(d, 9), s10 = hn::Iota(d, 10), s11 = hn::Iota(d, 11);
  for (int64_t i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, a, b);
    s1 = hn::MulAdd(s1, a, b);
    s2 = hn::MulAdd(s2, a, b);
    s3 = hn::MulAdd(s3, a, b);
    s4 = hn::MulAdd(s4, a, b);
    s5 = hn::MulAdd(s5, a, b);
    s6 = hn::MulAdd(s6, a, b);
    s7 = hn::MulAdd(s7, a, b);
    s8 = hn::MulAdd(s8, a, b);
    s9 = hn::MulAdd(s9, a, b);
    s10 = hn::MulAdd(s10, a, b);
    s11 = hn::MulAdd(s11, a, b);
  }
  const auto sum = hn::Add(
      hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)),
      hn::Add(hn::Add(hn::Add(s4, s5), hn::Add(s6, s7)), hn::Add(hn::Add(s8, s9), hn::Add(s10, s11))));
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

/// The most of a few runs: whatever else the machine does takes away, and adds nothing. work(seconds) returns
/// what was done in at least this time, a second.
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

double Since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

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
    } while (Since(start) < kSeconds);
    static_cast<void>(sink);
    return static_cast<double>(done) / Since(start);
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
    } while (Since(start) < kSeconds);
    return static_cast<double>(done) / Since(start);
  });
}

}  // namespace swath
#endif  // HWY_ONCE
