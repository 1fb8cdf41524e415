#include "tools/eval_targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "tools/evaluate_targets.h"

namespace swath::tools {

void EvalTargets(const Graph& graph, const Dataset& dataset, const EvalTargetsOptions& options) {
  const SlideOutputs outputs(graph);
  const TargetScores scores = EvaluateTargets(outputs, graph, dataset, options.split, options.resources);
  const Score& score = scores.score;
  const std::optional<Interval>& interval = scores.auc_interval;
  if (options.json) {
    auto list = nlohmann::json::array();
    for (const TargetScores::Slide& slide : scores.slides) {
      nlohmann::json figures;
      for (size_t i = 0; i < slide.figures.size(); ++i) figures[outputs.Names()[i]] = slide.figures[i];
      list.push_back({{"slide", slide.entry->name}, {"target", slide.entry->target}, {"figures", figures}});
    }
    nlohmann::json all = {{"slides", list}, {score.name, score.value}};
    if (interval) all["auc_interval"] = {interval->low, interval->high};
    fmt::print("{}\n", JsonText(all, 2));
    return;
  }
  fmt::print("{:<32} {:>12} {:>12}\n", "slide", "target", fmt::join(outputs.Names(), " "));
  for (const TargetScores::Slide& slide : scores.slides) {
    fmt::print("{:<32} {:>12} {:>12.4f}\n", slide.entry->name, slide.entry->target,
               fmt::join(slide.figures, " "));
  }
  const size_t slides = scores.slides.size();
  if (std::isnan(score.value)) {
    fmt::print("area under the ROC curve undefined: one class only ({} slides)\n", slides);
  } else if (interval) {
    fmt::print("area under the ROC curve {:.4f}, 95 % interval {:.4f} to {:.4f} ({} slides, {} draws)\n",
               score.value, interval->low, interval->high, slides, kDraws);
  } else {
    fmt::print("{} {:.4f} ({} slides)\n", score.name, score.value, slides);
  }
}

}  // namespace swath::tools
