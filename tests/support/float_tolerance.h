/// What float32 is held to: the second half of invariant I4.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "swath/compare.h"
#include "swath/engine.h"
#include "tests/support/rounding_noise.h"

namespace swath::test {

/// In-core steps on the sides of the kinks that float32 takes.
struct FloatReference {
  StepResult exact;           ///< in doubles
  StepResult rounded;         ///< with float32 rows and exact sums
  std::vector<double> noise;  ///< by trainable parameter, what doubles cannot tell from 0; see RoundingNoise
};

inline FloatReference MakeFloatReference(const Graph& graph, const Objective& objective,
                                         const Sample& sample) {
  const std::vector<Kink> kinks = FindKinks(graph, *sample.image, sample.seed);
  FloatReference reference;
  reference.exact = MakeReferenceEngine(graph, objective, Precision::kFloat64, kinks)->Step(sample);
  reference.rounded = MakeReferenceEngine(graph, objective, Precision::kFloat32, kinks)->Step(sample);
  reference.noise = RoundingNoise(graph, objective, sample, reference.exact);
  return reference;
}

/// Expects every gradient within 1e-5 of its tensor's largest; where terms cancel, and rounding the rows
/// alone costs more than half of that in some tensor, within twice what it costs. Gradients that are zero but
/// for the rounding of doubles are held to 1e-5 of the largest of all.
inline void ExpectFloatTolerance(const Graph& graph, const StepResult& result,
                                 const FloatReference& reference) {
  const auto rounded = CompareGradients(graph, reference.rounded, reference.exact);
  const auto errors = CompareGradients(graph, result, reference.exact);
  double largest = 0, rounding = 0;
  for (size_t i = 0; i < errors.size(); ++i) {
    largest = std::max(largest, errors[i].largest);
    if (errors[i].largest > reference.noise[i]) rounding = std::max(rounding, rounded[i].relative);
  }
  for (size_t i = 0; i < errors.size(); ++i) {
    const GradientError& e = errors[i];
    if (e.largest <= reference.noise[i]) {
      EXPECT_LE(e.error, 1e-5 * largest) << e.parameter;
      continue;
    }
    EXPECT_LE(e.relative, std::max(1e-5, 2 * rounding))
        << e.parameter << ", whose largest is " << e.largest << "; rounding costs " << rounded[i].relative;
  }
}

}  // namespace swath::test
