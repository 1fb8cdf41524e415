/// Which plan keeps a limit of memory at the least cost.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/process_memory.h"
#include "base/processors.h"
#include "swath/plan.h"

namespace swath {
namespace {

/// Counts of panels that are tried: as many as without a limit, 0, and each at most half as many again as the
/// one before.
std::vector<int64_t> PanelCounts(int64_t width) {
  constexpr int64_t kNarrowest = 16;  // columns of the image
  std::vector<int64_t> counts = {0};
  for (int64_t n = 2; n <= width / kNarrowest; n *= 2) {
    counts.push_back(n);
    counts.push_back(n + n / 2);
  }
  return counts;
}

/// Without packed weights a step takes longer by about this factor (docs/results.md).
constexpr double kUnpacked = 1.25;

/// Of a second thread that shares the work of a strip; a strip of its own would be worth 1.
constexpr double kHelper = 0.5;

double Cost(const Plan& plan) {
  const double at_once =
      static_cast<double>(plan.in_flight) * (1 + kHelper * static_cast<double>(plan.team - 1));
  return static_cast<double>(plan.multiply_adds()) / at_once * (plan.options.pack_weights ? 1.0 : kUnpacked);
}

/// Rounded up: what is named as enough must be enough.
std::string MiB(int64_t bytes) { return fmt::format("{} MiB", ((bytes - 1) >> 20) + 1); }

}  // namespace

int64_t ProcessBytes(int64_t known) {
  constexpr int64_t kStep = int64_t{16} << 20;
  return (std::max<int64_t>(0, ResidentBytes() - known) + kStep - 1) / kStep * kStep;
}

Plan FitPlan(const Graph& graph, const Objective& objective, int64_t width, int64_t height,
             const PlanOptions& options, const MemoryLimit& limit) {
  std::optional<Plan> best, least;
  int64_t least_total = 0;
  PlanOptions tried = options;
  if (tried.threads <= 0) tried.threads = Processors();
  for (tried.in_flight = tried.threads; tried.in_flight >= 1; --tried.in_flight) {
    for (const bool pack : {true, false}) {
      tried.pack_weights = options.pack_weights && pack;
      // There is more than one strip for more than one at once.
      if (tried.in_flight == 1 && options.strips == 0) tried.strips = 1;
      // More panels need less and cost more, until there is more halo in them than anything else.
      std::optional<Plan> fits;
      int64_t before = INT64_MAX, most = 0;
      for (const int64_t panels : PanelCounts(width)) {
        if (panels > 0 && panels <= most) continue;
        tried.panels = panels;
        Plan plan = MakePlan(graph, objective, width, height, tried);
        const int64_t total = limit.total(plan);
        if (!least || total < least_total) {
          least = plan;
          least_total = total;
        }
        if (total <= limit.bytes) {
          fits = std::move(plan);
          break;
        }
        if (total >= before) break;
        before = total;
        most = plan.options.panels;
      }
      if (fits && (!best || Cost(*fits) < Cost(*best))) best = std::move(fits);
    }
  }
  if (best) return *best;
  Fail(
      ErrorCode::kUsage,
      "{} are too little for {} x {} px: the least is {}, of them {} for the engine in {} panels, one strip",
      limit.bytes >> 20 > 0 ? fmt::format("{} MiB", limit.bytes >> 20) : fmt::format("{} bytes", limit.bytes),
      width, height, MiB(least_total), MiB(least->engine_bytes()), least->options.panels);
}

}  // namespace swath
