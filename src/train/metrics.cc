#include "swath/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/random.h"

namespace swath {

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
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return won / (positives * negatives);
}

Interval BootstrapRoc(const std::vector<double>& scores, const std::vector<bool>& positive, int64_t draws,
                      uint64_t seed) {
  std::vector<size_t> groups[2];
  for (size_t i = 0; i < scores.size(); ++i) groups[positive[i]].push_back(i);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
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
  std::sort(areas.begin(), areas.end());
  const auto at = [&](double share) {
    return areas[static_cast<size_t>(std::llround(share * static_cast<double>(areas.size() - 1)))];
  };
  return {at(0.025), at(0.975)};
}

}  // namespace swath
