/// The step of several slides, as a trainer that accumulates takes it.
#pragma once

#include <algorithm>
#include <vector>

#include "swath/engine.h"

namespace swath::test {

/// Means of the losses and gradients; of the sums of terms the largest.
inline StepResult MeanStep(const std::vector<StepResult>& results) {
  const double share = 1 / static_cast<double>(results.size());
  StepResult mean = results[0];
  mean.loss.loss = 0;
  for (const StepResult& result : results) {
    mean.loss.loss += share * result.loss.loss;
    for (size_t p = 0; p < mean.term_sums.size(); ++p)
      mean.term_sums[p] = std::max(mean.term_sums[p], result.term_sums[p]);
  }
  for (size_t p = 0; p < mean.gradients.size(); ++p) {
    std::vector<double>& gradient = mean.gradients[p];
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (const StepResult& result : results) {
      for (size_t k = 0; k < gradient.size(); ++k) gradient[k] += share * result.gradients[p][k];
    }
  }
  return mean;
}

}  // namespace swath::test
