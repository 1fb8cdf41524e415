#include "tools/bench_report.h"

#include <cstdio>

namespace swath::tools {

double SkippedShare(const Plan& plan, const Profile& profile) {
  const int64_t all = plan.multiply_adds();
  return all > 0 ? static_cast<double>(profile.skipped()) / static_cast<double>(all) : 0;
}

void PrintSkippedAndFloor(const std::string& what, double seconds, const Plan& plan, const Profile& profile,
                          const Floor* floor) {
  const double skipped = SkippedShare(plan, profile);
  std::printf(
      "  skipped                 %10.1f %%   of the multiply-adds, where columns repeat: empty glass\n",
      100 * skipped);
  if (!floor) return;
  std::printf("  floor                   %10.2f s   (the %s takes %.2f times as long)\n", floor->seconds(),
              what.c_str(), seconds / floor->seconds());
  std::printf("    decode alone          %10.2f s\n", floor->decode_seconds);
  std::printf("    arithmetic            %10.2f s   (%.3g T multiply-adds at %.0f GFLOP/s)\n",
              floor->arithmetic_seconds,
              1e-12 * (1 - skipped) * static_cast<double>(plan.least_multiply_adds),
              2e-9 * floor->multiply_adds_per_second);
  std::printf("    pixels through memory %10.2f s   (meanwhile, at %.1f GB/s)\n", floor->memory_seconds,
              1e-9 * floor->copy_bytes_per_second);
}

nlohmann::json FloorJson(double seconds, const Floor& floor) {
  return {{"floor_seconds", floor.seconds()},
          {"floor_ratio", seconds / floor.seconds()},
          {"decode_seconds", floor.decode_seconds},
          {"arithmetic_seconds", floor.arithmetic_seconds},
          {"memory_seconds", floor.memory_seconds},
          {"peak_gflops", 2e-9 * floor.multiply_adds_per_second},
          {"copy_gb_per_second", 1e-9 * floor.copy_bytes_per_second}};
}

std::vector<ProfileLine> Operators(const Plan& plan, const Profile& profile) {
  std::vector<ProfileLine> lines;
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    const OpPlan& op = plan.ops[i];
    const Profile::Op& times = profile.ops[i];
    const std::string kernel = op.kernel.empty() ? "" : " (" + op.kernel + ")";
    lines.push_back({op.type + " " + op.name + kernel, times.forward_seconds, op.forward_multiply_adds});
    if (times.backward_seconds > 0)
      lines.push_back(
          {op.type + " " + op.name + " backward", times.backward_seconds, op.backward_multiply_adds});
  }
  return lines;
}

void PrintProfile(const std::vector<std::vector<ProfileLine>>& groups, double all_seconds, double peak) {
  std::printf("\nwhere the time of all threads goes\n");
  for (const auto& lines : groups) {
    for (const ProfileLine& line : lines) {
      std::printf("  %-40s %9.3f s %5.1f %%", line.name.c_str(), line.seconds,
                  100 * line.seconds / all_seconds);
      if (line.multiply_adds > 0) std::printf(" %8.1f GFLOP/s", 2e-9 * line.rate());
      if (line.multiply_adds > 0 && peak > 0) std::printf(" %5.1f %% of peak", 100 * line.rate() / peak);
      std::printf("\n");
    }
    std::printf("\n");
  }
}

nlohmann::json ProfileJson(const std::vector<ProfileLine>& lines, double peak) {
  nlohmann::json json = nlohmann::json::object();
  for (const ProfileLine& line : lines) {
    json[line.name] = {{"seconds", line.seconds}};
    if (line.multiply_adds == 0) continue;
    json[line.name]["gflops"] = 2e-9 * line.rate();
    if (peak > 0) json[line.name]["of_peak"] = line.rate() / peak;
  }
  return json;
}

}  // namespace swath::tools
