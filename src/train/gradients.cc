#include "train/gradients.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace swath {
namespace {

constexpr const char* kAdvice = "a lower learning rate, a warm-up or clipping may help";

}  // namespace

void AddShare(Gradients gradients, double slides, Gradients* mean) {
  if (slides == 1) {
    *mean = std::move(gradients);
    return;
  }
  for (size_t p = 0; p < gradients.size(); ++p) {
    std::vector<double>& sum = (*mean)[p];
    sum.resize(gradients[p].size());
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += gradients[p][i] / slides;
  }
}

void CheckFiniteLoss(double loss, const std::string& what) {
  if (!std::isfinite(loss)) Fail(ErrorCode::kNumeric, "{} is {}: {}", what, loss, kAdvice);
}

void CheckFinite(const Graph& graph, const StepResult& result, const std::string& where) {
  CheckFiniteLoss(result.loss.loss, where + ": the loss");
  for (size_t p = 0; p < result.gradients.size(); ++p) {
    for (const double g : result.gradients[p]) {
      if (std::isfinite(g)) continue;
      Fail(ErrorCode::kNumeric, "{}: a gradient of {} is {}: {}", where, graph.parameters[p].name, g,
           kAdvice);
    }
  }
}

void CheckFiniteWeights(const Graph& graph, const std::string& where) {
  for (const Parameter& parameter : graph.parameters) {
    if (std::all_of(parameter.values.begin(), parameter.values.end(),
                    [](float w) { return std::isfinite(w); }))
      continue;
    Fail(ErrorCode::kNumeric, "{}: the update made a weight of {} infinite or not a number: {}", where,
         parameter.name, kAdvice);
  }
}

}  // namespace swath
