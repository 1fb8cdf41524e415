/// How well predictions of slides agree with their targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace swath {

/// The area under the ROC curve: the share of pairs of a positive and a negative in which the positive has
/// the higher score, ties counting a half. Not a number where either is missing.
double AreaUnderRoc(const std::vector<double>& scores, const std::vector<bool>& positive);

struct RocPoint {
  double false_positives = 0;  ///< the share of the negatives with at least some score
  double true_positives = 0;   ///< and of the positives
};

/// The curve, from (0, 0) to (1, 1), a point a score. Empty where either kind is missing.
std::vector<RocPoint> RocCurve(const std::vector<double>& scores, const std::vector<bool>& positive);

struct Interval {
  double low = 0;
  double high = 0;
};

/// The 95 % score interval of a share of so many (Wilson 1927), which holds for few, and for none or all of
/// them. Not numbers for none.
Interval WilsonInterval(int64_t successes, int64_t of);

/// The 95 % interval of that area by a percentile bootstrap: slides are drawn with replacement, positives and
/// negatives apart, `draws` times. The same seed gives the same interval.
Interval BootstrapRoc(const std::vector<double>& scores, const std::vector<bool>& positive, int64_t draws,
                      uint64_t seed);

/// The 95 % interval of any figure of `slides` slides by a percentile bootstrap: as many are drawn with
/// replacement, `draws` times, and `figure` gets their indices. Draws of which the figure is not a number do
/// not count. The same seed gives the same interval. Not numbers for fewer than two slides.
Interval Bootstrap(size_t slides, int64_t draws, uint64_t seed,
                   const std::function<double(const std::vector<size_t>& drawn)>& figure);

}  // namespace swath
