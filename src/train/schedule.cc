#include <cmath>
#include <numbers>

#include "base/error.h"
#include "swath/optimizer.h"

namespace swath {

ScheduleKind ParseScheduleKind(const std::string& name) {
  for (const ScheduleKind kind : {ScheduleKind::kConstant, ScheduleKind::kCosine}) {
    if (ToString(kind) == name) return kind;
  }
  Fail(ErrorCode::kUsage, "schedule '{}', expected constant or cosine", name);
}

std::string ToString(ScheduleKind kind) { return kind == ScheduleKind::kConstant ? "constant" : "cosine"; }

double LearningRate(const ScheduleOptions& options, int64_t step) {
  if (step < options.warmup_steps) {
    return options.learning_rate * static_cast<double>(step + 1) / static_cast<double>(options.warmup_steps);
  }
  if (options.kind == ScheduleKind::kConstant) return options.learning_rate;
  const double done = static_cast<double>(step - options.warmup_steps) /
                      static_cast<double>(options.steps - options.warmup_steps);
  return options.learning_rate * (1 + std::cos(std::numbers::pi * done)) / 2;
}

}  // namespace swath
