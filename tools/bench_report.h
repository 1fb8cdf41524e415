/// What the benchmarks print: a time beside its floor, and where it goes.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "swath/plan.h"
#include "swath/profile.h"
#include "tools/floor.h"

namespace swath::tools {

/// Share of the plan's multiply-adds that were skipped.
double SkippedShare(const Plan& plan, const Profile& profile);

/// "  skipped …" and, if it was measured, "  floor …", of a `what` of `seconds`.
void PrintSkippedAndFloor(const std::string& what, double seconds, const Plan& plan, const Profile& profile,
                          const Floor* floor);
/// `floor_seconds`, `floor_ratio` and what they follow from.
nlohmann::json FloorJson(double seconds, const Floor& floor);

/// A part of the work: its seconds on all threads together, and what it computes.
struct ProfileLine {
  std::string name;
  double seconds = 0;
  int64_t multiply_adds = 0;  ///< 0: not worth counting

  /// Multiply-adds a second.
  double rate() const { return static_cast<double>(multiply_adds) / seconds; }
};

/// By operator, forward and backward.
std::vector<ProfileLine> Operators(const Plan& plan, const Profile& profile);

/// A table for each of `groups`; `peak`: multiply-adds a second of one thread, 0 if unknown.
void PrintProfile(const std::vector<std::vector<ProfileLine>>& groups, double all_seconds, double peak);
nlohmann::json ProfileJson(const std::vector<ProfileLine>& lines, double peak);

}  // namespace swath::tools
