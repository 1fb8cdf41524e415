#include "train/parameter_patterns.h"

#include <fmt/ranges.h>
#include <fnmatch.h>

#include "base/error.h"

namespace swath {

std::vector<size_t> MatchTrainable(const Graph& graph, const std::string& pattern) {
  constexpr size_t kNamesShown = 5;
  std::vector<size_t> matching;
  std::vector<std::string> names;
  for (size_t p = 0; p < graph.parameters.size(); ++p) {
    const Parameter& parameter = graph.parameters[p];
    if (!parameter.trainable) continue;
    if (fnmatch(pattern.c_str(), parameter.name.c_str(), 0) == 0) matching.push_back(p);
    if (names.size() <= kNamesShown) names.push_back(parameter.name);
  }
  if (!matching.empty()) return matching;
  if (names.size() > kNamesShown) names.back() = "…";
  Fail(ErrorCode::kUsage, "'{}' matches no trainable parameter of {}; there are {}", pattern, graph.name,
       fmt::join(names, ", "));
}

}  // namespace swath
