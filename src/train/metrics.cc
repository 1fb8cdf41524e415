#include "swath/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"

namespace swath {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Interval Percentiles(std::vector<double> values) {
  if (values.empty()) return {kNan, kNan};
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<size_t>(std::llround(share * static_cast<double>(values.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace

double AreaUnderRoc(const std::vector<double>& scores, const std::vector<bool>& positive) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  double positives = 0, negatives = 0, won = 0;  // negatives below, as we go up
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double p = 0, n = 0;  // of one score
    for (end = begin; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end)
      (positive[order[end]] ? p : n) += 1;
    won += p * (negatives + 0.5 * n);
    positives += p;
    negatives += n;
  }
  if (positives == 0 || negatives == 0) return kNan;
  return won / (positives * negatives);
}

Interval WilsonInterval(int64_t successes, int64_t of) {
  if (of == 0) return {kNan, kNan};
  constexpr double z = 1.959963984540054;
  const double n = static_cast<double>(of), p = static_cast<double>(successes) / n;
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {std::max(0.0, middle - half), std::min(1.0, middle + half)};
}

Interval BootstrapRoc(const std::vector<double>& scores, const std::vector<bool>& positive, int64_t draws,
                      uint64_t seed) {
  std::vector<size_t> groups[2];
  for (size_t i = 0; i < scores.size(); ++i) groups[positive[i]].push_back(i);
  if (groups[0].empty() || groups[1].empty()) return {kNan, kNan};
  SplitMix64 random(seed);
  std::vector<double> areas;
  for (int64_t draw = 0; draw < draws; ++draw) {
    std::vector<double> drawn;
    std::vector<bool> labels;
    for (const bool label : {false, true}) {
      const std::vector<size_t>& group = groups[label];
      for (size_t i = 0; i < group.size(); ++i) {
        drawn.push_back(scores[group[random.Next() % group.size()]]);
        labels.push_back(label);
      }
    }
    areas.push_back(AreaUnderRoc(drawn, labels));
  }
  return Percentiles(std::move(areas));
}

std::vector<RocPoint> RocCurve(const std::vector<double>& scores, const std::vector<bool>& positive) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  double positives = 0;
  for (const bool is : positive) positives += is;
  const double negatives = static_cast<double>(positive.size()) - positives;
  if (positives == 0 || negatives == 0) return {};
  std::vector<RocPoint> curve(1);
  double p = 0, n = 0;  // with at least the score
  for (size_t i = 0; i < order.size(); ++i) {
    (positive[order[i]] ? p : n) += 1;
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    curve.push_back({n / negatives, p / positives});
  }
  return curve;
}

Interval Bootstrap(size_t slides, int64_t draws, uint64_t seed,
                   const std::function<double(const std::vector<size_t>& drawn)>& figure) {
  if (slides < 2) return {kNan, kNan};
  SplitMix64 random(seed);
  std::vector<double> figures;
  std::vector<size_t> drawn(slides);
  for (int64_t draw = 0; draw < draws; ++draw) {
    for (size_t& slide : drawn) slide = random.Next() % slides;
    const double value = figure(drawn);
    if (std::isfinite(value)) figures.push_back(value);
  }
  return Percentiles(std::move(figures));
}

}  // namespace swath
