/// A plan, for people and for machines.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "swath/plan.h"

namespace swath::tools {

void PrintPlan(const Plan& plan, const std::string& model);
nlohmann::json PlanJson(const Plan& plan);

}  // namespace swath::tools
