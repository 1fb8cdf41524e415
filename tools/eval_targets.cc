#include "tools/eval_targets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"
#include "swath/metrics.h"
#include "swath/otsu.h"
#include "tools/progress_line.h"
#include "tools/slide_outputs.h"
#include "train/slide_score.h"
#include "train/targets.h"

namespace swath::tools {
namespace {

constexpr int64_t kDraws = 2000;

struct Scored {
  std::string slide;
  std::string target;
  std::vector<double> figures;
};

/// The area under the ROC curve of a network that tells two classes apart.
struct Roc {
  double area = 0;
  Interval interval;
};

}  // namespace

void EvalTargets(const Graph& graph, const Dataset& dataset, const EvalTargetsOptions& options) {
  const SlideOutputs outputs(graph);
  std::vector<Scored> slides;
  std::vector<std::vector<double>> values, targets;
  for (const DatasetEntry& entry : dataset.entries) {
    if (options.split != "all" && ToString(entry.split) != options.split) continue;
    AtEntry(dataset, entry, [&] {
      targets.push_back(ParseTarget(entry.target, outputs.kind(), outputs.classes(), outputs.values()));
      const SlideSample sample = OpenSample(dataset, entry, graph, kIgnoredLabel);
      PixelProgress line(entry.name,
                         static_cast<double>(entry.width()) * static_cast<double>(entry.height()));
      const Plan plan = options.resources.Fit(graph, nullptr, sample.sample()).plan;
      values.push_back(outputs.Predict(*sample.image, plan.options,
                                       [&](int64_t done, int64_t total) { line.Show(done, total); }));
      slides.push_back({entry.name, entry.target, outputs.Figures(entry.name, values.back())});
    });
  }
  if (slides.empty()) Fail(ErrorCode::kInput, "{}: no slide of split '{}'", dataset.path, options.split);

  const Score score = SlideScore(outputs.kind(), values, targets);
  std::optional<Roc> roc;
  if (outputs.kind() == SlideLossKind::kBce && outputs.values() == 1) {
    std::vector<double> scores;
    std::vector<bool> positive;
    for (size_t i = 0; i < values.size(); ++i) {
      scores.push_back(values[i][0]);
      positive.push_back(targets[i][0] > 0.5);
    }
    roc = Roc{AreaUnderRoc(scores, positive), BootstrapRoc(scores, positive, kDraws, 1)};
  }
  if (options.json) {
    auto list = nlohmann::json::array();
    for (const Scored& slide : slides) {
      nlohmann::json figures;
      for (size_t i = 0; i < slide.figures.size(); ++i) figures[outputs.Names()[i]] = slide.figures[i];
      list.push_back({{"slide", slide.slide}, {"target", slide.target}, {"figures", figures}});
    }
    nlohmann::json all = {{"slides", list}, {score.name, score.value}};
    if (roc) all["auc_interval"] = {roc->interval.low, roc->interval.high};
    fmt::print("{}\n", JsonText(all, 2));
    return;
  }
  fmt::print("{:<32} {:>12} {:>12}\n", "slide", "target", fmt::join(outputs.Names(), " "));
  for (const Scored& slide : slides)
    fmt::print("{:<32} {:>12} {:>12.4f}\n", slide.slide, slide.target, fmt::join(slide.figures, " "));
  if (std::isnan(score.value)) {
    fmt::print("area under the ROC curve undefined: one class only ({} slides)\n", slides.size());
  } else if (roc) {
    fmt::print("area under the ROC curve {:.4f}, 95 % interval {:.4f} to {:.4f} ({} slides, {} draws)\n",
               roc->area, roc->interval.low, roc->interval.high, slides.size(), kDraws);
  } else {
    fmt::print("{} {:.4f} ({} slides)\n", score.name, score.value, slides.size());
  }
}

}  // namespace swath::tools
