#include "swath/compare.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace swath {

std::vector<GradientError> CompareGradients(const Graph& graph, const StepResult& result,
                                            const StepResult& reference) {
  std::vector<GradientError> errors;
  for (size_t p = 0; p < graph.parameters.size(); ++p) {
    if (!graph.parameters[p].trainable) continue;
    GradientError e{.parameter = graph.parameters[p].name};
    for (size_t i = 0; i < reference.gradients[p].size(); ++i) {
      const double ref = reference.gradients[p][i], difference = std::abs(result.gradients[p][i] - ref);
      e.largest = std::max(e.largest, std::abs(ref));
      // A NaN must not pass for a small error.
      e.error = difference >= 0 ? std::max(e.error, difference) : std::numeric_limits<double>::infinity();
    }
    e.terms = reference.term_sums[p];
    e.zero = e.largest < 1e-12 * e.terms || e.largest == 0;
    e.relative = e.error == 0 ? 0 : e.error / (e.zero ? e.terms : e.largest);
    errors.push_back(e);
  }
  return errors;
}

double LargestRelative(const std::vector<GradientError>& errors) {
  double largest = 0;
  for (const GradientError& e : errors) largest = std::max(largest, e.relative);
  return largest;
}

}  // namespace swath
