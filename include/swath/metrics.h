/// How well predictions of slides agree with their targets.
#pragma once

#include <cstdint>
#include <vector>

namespace swath {

/// The area under the ROC curve: the share of pairs of a positive and a negative in which the positive has
/// the higher score, ties counting a half. Not a number where either is missing.
double AreaUnderRoc(const std::vector<double>& scores, const std::vector<bool>& positive);

struct Interval {
  double low = 0;
  double high = 0;
};

/// The 95 % interval of that area by a percentile bootstrap: slides are drawn with replacement, positives and
/// negatives apart, `draws` times. The same seed gives the same interval.
Interval BootstrapRoc(const std::vector<double>& scores, const std::vector<bool>& positive, int64_t draws,
                      uint64_t seed);

}  // namespace swath
