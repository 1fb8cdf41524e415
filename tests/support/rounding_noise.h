/// What doubles can tell of a gradient.
#pragma once

#include <algorithm>
#include <vector>

#include "swath/compare.h"
#include "swath/engine.h"

namespace swath::test {

/// By trainable parameter, what the rounding of doubles may do to its gradient. Behind a normalisation, say,
/// the gradients of a thousand pixels add up to nothing, and what is left of them is rounding, in any order
/// of adding. Rounding every map to float32 shows how much that does; doubles have 29 binary digits more, and
/// some are left for sums and for what is in core, which are not rounded there. And nothing can be told of a
/// gradient that is two trillionths of another one.
inline std::vector<double> RoundingNoise(const Graph& graph, const Objective& objective, const Sample& sample,
                                         const StepResult& reference) {
  const StepResult rounded = MakeReferenceEngine(graph, objective, Precision::kFloat32)->Step(sample);
  const std::vector<GradientError> errors = CompareGradients(graph, rounded, reference);
  double largest = 0;
  for (const GradientError& e : errors) largest = std::max(largest, e.largest);
  std::vector<double> noise;
  for (const GradientError& e : errors)
    noise.push_back(std::max({0x1p-17 * e.error, 0x1p-41 * largest, 4e-15 * e.terms}));
  return noise;
}

}  // namespace swath::test
