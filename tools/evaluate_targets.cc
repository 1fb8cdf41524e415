#include "tools/evaluate_targets.h"

#include <cmath>

#include "base/error.h"
#include "swath/otsu.h"
#include "tools/progress_line.h"
#include "tools/splits.h"
#include "train/slide_score.h"
#include "train/targets.h"

namespace swath::tools {

std::vector<double> TargetScores::Outputs(size_t value) const {
  std::vector<double> outputs;
  for (const Slide& slide : slides) {
    if (!std::isnan(slide.target[value])) outputs.push_back(slide.output[value]);
  }
  return outputs;
}

std::vector<bool> TargetScores::Positive(size_t value) const {
  std::vector<bool> positive;
  for (const Slide& slide : slides) {
    if (!std::isnan(slide.target[value])) positive.push_back(slide.target[value] > 0.5);
  }
  return positive;
}

TargetScores EvaluateTargets(const SlideOutputs& outputs, const Graph& graph, const Dataset& dataset,
                             const std::string& split, const Resources& resources) {
  TargetScores scores;
  std::vector<std::vector<double>> values, targets;
  for (const DatasetEntry& entry : dataset.entries) {
    if (!Includes(split, entry.split)) continue;
    AtEntry(dataset, entry, [&] {
      targets.push_back(ParseTarget(entry.target, outputs.kind(), outputs.classes(), outputs.values()));
      const SlideSample sample = OpenSample(dataset, entry, graph, kIgnoredLabel);
      PixelProgress line(entry.name,
                         static_cast<double>(entry.width()) * static_cast<double>(entry.height()));
      const Plan plan = resources.Fit(graph, nullptr, sample.sample()).plan;
      values.push_back(outputs.Predict(*sample.image, plan.options,
                                       [&](int64_t done, int64_t total) { line.Show(done, total); }));
      scores.slides.push_back(
          {&entry, values.back(), outputs.Figures(entry.name, values.back()), targets.back()});
    });
  }
  if (scores.slides.empty()) Fail(ErrorCode::kInput, "{}: no slide of split '{}'", dataset.path, split);
  scores.score = SlideScore(outputs.kind(), values, targets);
  if (outputs.kind() == SlideLossKind::kBce && outputs.values() == 1)
    scores.auc_interval = BootstrapRoc(scores.Outputs(0), scores.Positive(0), kDraws, kDrawSeed);
  return scores;
}

}  // namespace swath::tools
