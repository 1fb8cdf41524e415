#include "train/slide_score.h"

#include <algorithm>
#include <cmath>

#include "swath/metrics.h"

namespace swath {
namespace {

double MeanArea(const std::vector<std::vector<double>>& outputs,
                const std::vector<std::vector<double>>& targets) {
  double sum = 0;
  int64_t count = 0;
  for (size_t v = 0; v < outputs[0].size(); ++v) {
    std::vector<double> scores;
    std::vector<bool> positive;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (std::isnan(targets[i][v])) continue;
      scores.push_back(outputs[i][v]);
      positive.push_back(targets[i][v] > 0.5);
    }
    const double area = AreaUnderRoc(scores, positive);
    if (std::isnan(area)) continue;
    sum += area;
    ++count;
  }
  return sum / static_cast<double>(count);  // not a number where there is none
}

}  // namespace

Score SlideScore(SlideLossKind kind, const std::vector<std::vector<double>>& outputs,
                 const std::vector<std::vector<double>>& targets) {
  const double slides = static_cast<double>(outputs.size());
  if (kind == SlideLossKind::kBce) return {"auc", MeanArea(outputs, targets)};
  double sum = 0;
  if (kind == SlideLossKind::kCrossEntropy) {
    for (size_t i = 0; i < outputs.size(); ++i) {
      const auto best = std::max_element(outputs[i].begin(), outputs[i].end()) - outputs[i].begin();
      sum += static_cast<double>(best) == targets[i][0];
    }
    return {"accuracy", sum / slides};
  }
  double values = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (size_t v = 0; v < outputs[i].size(); ++v) {
      if (std::isnan(targets[i][v])) continue;
      sum += (outputs[i][v] - targets[i][v]) * (outputs[i][v] - targets[i][v]);
      values += 1;
    }
  }
  return {"rmse", std::sqrt(sum / values)};
}

}  // namespace swath
