#include "tools/resources.h"

#include <utility>

namespace swath::tools {

Resources::Resources(const Graph& graph, const PlanOptions& options, int64_t memory)
    : options_(options), memory_(memory), process_bytes_(ProcessBytes(graph.parameter_bytes())) {}

Resources::Fitted Resources::Fit(const Graph& graph, const Objective& objective, const Sample& sample,
                                 int64_t bytes_per_pixel, int64_t beside) const {
  const int64_t width = sample.image->width(), height = sample.image->height();
  PlanOptions options = options_;
  options.bytes_per_pixel = bytes_per_pixel;
  if (!limited()) return {MakePlan(graph, objective, width, height, options)};
  const auto total = [&](const Plan& plan) { return process_bytes_ + StepBytes(plan, sample) + beside; };
  Plan plan = FitPlan(graph, objective, width, height, options, {memory_, total});
  const int64_t bytes = total(plan);
  return {std::move(plan), bytes};
}

}  // namespace swath::tools
