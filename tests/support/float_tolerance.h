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

/// The largest errors of all gradients, each relative to its tensor's largest.
struct FloatErrors {
  double engine = 0;
  double rounding = 0;  ///< what rounding the rows alone costs

  /// Within 1e-5; where terms cancel, and rounding costs more than half of that, within twice what it costs.
  bool WithinTolerance() const { return engine <= std::max(1e-5, 2 * rounding); }
};

/// Gradients that are zero but for the rounding of doubles are expected within 1e-5 of the largest of all,
/// and do not count.
inline FloatErrors MeasureFloat(const Graph& graph, const StepResult& result,
                                const FloatReference& reference) {
  const auto rounded = CompareGradients(graph, reference.rounded, reference.exact);
  const auto errors = CompareGradients(graph, result, reference.exact);
  double largest = 0;
  for (const GradientError& e : errors) largest = std::max(largest, e.largest);
  FloatErrors worst;
  for (size_t i = 0; i < errors.size(); ++i) {
    if (errors[i].largest <= reference.noise[i]) {
      EXPECT_LE(errors[i].error, 1e-5 * largest) << errors[i].parameter;
      continue;
    }
    worst.engine = std::max(worst.engine, errors[i].relative);
    worst.rounding = std::max(worst.rounding, rounded[i].relative);
  }
  return worst;
}

inline void ExpectFloatTolerance(const Graph& graph, const StepResult& result,
                                 const FloatReference& reference) {
  const FloatErrors errors = MeasureFloat(graph, result, reference);
  EXPECT_TRUE(errors.WithinTolerance()) << errors.engine << ", rounding costs " << errors.rounding;
}

}  // namespace swath::test
