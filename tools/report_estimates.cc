#include <fmt/ranges.h>

#include <cmath>

#include "tools/evaluate_targets.h"
#include "tools/report_parts.h"

namespace swath::tools {

Estimate WithInterval(double value, const Interval& interval) {
  return interval.low < interval.high ? Estimate{value, interval} : Estimate{.value = value};
}

std::string Listed(const std::vector<std::string>& names) {
  if (names.size() < 2) return names.empty() ? "" : names.front();
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

std::vector<std::string> BootstrapNotes(size_t slides) {
  if (slides < 2)
    return {"It is one slide: what another one would give cannot be told, there are no intervals."};
  std::vector<std::string> notes = {fmt::format(
      "{} intervals of means and areas are percentile bootstraps: slides are drawn with replacement, {} "
      "times, "
      "with the seed {}. They are drawn as independent ones; several slides of one patient are not.",
      "95 %", kDraws, kDrawSeed)};
  if (slides < 20) {
    notes.push_back(
        fmt::format("{} slides are few: a bootstrap of so few is a hint at best, and as a rule its interval "
                    "is too narrow.",
                    slides));
  }
  return notes;
}

Estimate MeanEstimate(const std::vector<double>& values) {
  std::vector<double> known;
  for (const double value : values) {
    if (!std::isnan(value)) known.push_back(value);
  }
  const auto mean = [&](const std::vector<size_t>& drawn) {
    double sum = 0;
    for (const size_t i : drawn) sum += known[i];
    return sum / static_cast<double>(drawn.size());
  };
  std::vector<size_t> all(known.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  return WithInterval(mean(all), Bootstrap(known.size(), kDraws, kDrawSeed, mean));
}

}  // namespace swath::tools
