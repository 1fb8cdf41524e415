/// Gradients held against the reference's: what `swath check-gradients` and the tests do (invariant I4).
#pragma once

#include <string>
#include <vector>

#include "swath/engine.h"

namespace swath {

struct GradientError {
  std::string parameter;
  double largest = 0;  ///< max |g_ref|
  double error = 0;    ///< max |g - g_ref|
  double terms = 0;    ///< the largest Σ|terms|
  /// error / largest; where the true gradient is zero (largest < 1e-12 · Σ|terms|), error / Σ|terms|.
  double relative = 0;
  bool zero = false;  ///< the latter case
};

/// One entry for every trainable parameter.
std::vector<GradientError> CompareGradients(const Graph& graph, const StepResult& result,
                                            const StepResult& reference);

/// The largest relative error; 0 for none.
double LargestRelative(const std::vector<GradientError>& errors);

}  // namespace swath
