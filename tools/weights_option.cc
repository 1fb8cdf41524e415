#include "tools/weights_option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace swath::tools {
namespace {

std::string Dims(const std::vector<int64_t>& dims) {
  return dims.empty() ? "1" : fmt::format("{}", fmt::join(dims, "x"));
}

/// The first few, and how many more.
std::string Some(const std::vector<std::string>& names) {
  constexpr size_t kShown = 3;
  const size_t shown = std::min(names.size(), kShown);
  return fmt::format("{}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                     names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

void PrintSome(const char* what, const std::vector<std::string>& names) {
  if (!names.empty()) fmt::print("  {:<11} {}: {}\n", what, names.size(), Some(names));
}

}  // namespace

void AddWeightsOption(CLI::App* command, WeightsOption* option, const std::string& group) {
  auto* weights = command
                      ->add_option("--weights", option->file,
                                   "Take the weights of the same names from this .safetensors or .onnx file")
                      ->type_name("FILE")
                      ->group(group);
  command
      ->add_option(
          "--weights-skip", option->skip,
          "But leave parameters whose names begin so as they are, such as a head: fc.; may be repeated")
      ->type_name("PREFIX")
      ->allow_extra_args(false)
      ->needs(weights)
      ->group(group);
}

WeightReport LoadWeightsOption(const WeightsOption& option, Graph* graph) {
  WeightReport report = LoadWeights(graph, option.file, {.skip = option.skip});
  std::vector<std::string> shapes;
  for (const auto& [name, expected, found] : report.different)
    shapes.push_back(fmt::format("{} ({}, in the file {})", name, Dims(expected), Dims(found)));
  if (report.matched.empty()) {
    const std::vector<std::string>& missing = report.missing.empty() ? shapes : report.missing;
    Fail(ErrorCode::kInput, "{}: expected weights of {}, {}; found {}", option.file, graph->name,
         missing.empty() ? "all of which are skipped" : "such as " + Some(missing),
         report.unused.empty() ? "none that fits" : Some(report.unused));
  }
  fmt::print("{}: {} of {} parameters taken\n", option.file, report.matched.size(),
             report.matched.size() + report.missing.size() + report.different.size());
  PrintSome("missing", report.missing);
  PrintSome("other shape", shapes);
  PrintSome("unused", report.unused);
  return report;
}

std::string FormatReport(const WeightReport& report) {
  std::string text;
  for (const std::string& name : report.matched) text += fmt::format("matched {}\n", name);
  for (const std::string& name : report.missing) text += fmt::format("missing {}\n", name);
  for (const auto& [name, expected, found] : report.different)
    text += fmt::format("shape {} {} {}\n", name, Dims(expected), Dims(found));
  for (const std::string& name : report.unused) text += fmt::format("unused {}\n", name);
  return text;
}

}  // namespace swath::tools
