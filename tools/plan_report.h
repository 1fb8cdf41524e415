/// A plan, for people and for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "swath/plan.h"

namespace swath::tools {

/// "8 strips, 2 at once, in 48 panels: 18.5 % of the arithmetic is repeated"; of panels where there are some.
std::string Division(const Plan& plan);

/// What the process holds besides the engine; none where there is no limit of memory.
struct ProcessPlan {
  int64_t process_bytes = 0;
  int64_t optimizer_bytes = 0;
};

void PrintPlan(const Plan& plan, const std::string& model, const std::optional<ProcessPlan>& process);
nlohmann::json PlanJson(const Plan& plan);

}  // namespace swath::tools
