/// What a network with one output a slide says of the slides of a data set, beside their targets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swath/dataset.h"
#include "swath/graph.h"
#include "swath/metrics.h"
#include "swath/trainer.h"
#include "tools/resources.h"
#include "tools/slide_outputs.h"

namespace swath::tools {

/// Draws of every bootstrap, and where they start from.
inline constexpr int64_t kDraws = 2000;
inline constexpr uint64_t kDrawSeed = 1;

struct TargetScores {
  struct Slide {
    const DatasetEntry* entry = nullptr;
    std::vector<double> output;   ///< as the network gives it
    std::vector<double> figures;  ///< probabilities, or values
    std::vector<double> target;   ///< as ParseTarget gives it
  };
  std::vector<Slide> slides;
  Score score;
  /// Where the network tells two classes apart: the area under the ROC curve is `score`, this its interval.
  std::optional<Interval> auc_interval;

  std::vector<double> Outputs(size_t value) const;
  /// Of those slides of which it is known.
  std::vector<bool> Positive(size_t value) const;
};

/// Of a split, or of "all"; with progress shown. Throws Error where there is no such slide, and what slides
/// throw.
TargetScores EvaluateTargets(const SlideOutputs& outputs, const Graph& graph, const Dataset& dataset,
                             const std::string& split, const Resources& resources);

}  // namespace swath::tools
