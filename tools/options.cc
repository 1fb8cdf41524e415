#include "tools/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <optional>

#include "base/error.h"

namespace swath::tools {
namespace {

constexpr int64_t kLargestSide = std::numeric_limits<int32_t>::max();

/// Zeros in front would make the number octal.
template <class T>
std::optional<T> ParseWhole(const std::string& text) {
  const size_t digits = text.starts_with('-') ? 1 : 0;
  if (text.size() > digits + 1 && text[digits] == '0') return std::nullopt;
  return ParseNumber<T>(text);
}

std::string Unexpected(const std::string& expected, const std::string& found) {
  return fmt::format("expected {}, found '{}'", expected, found);
}

int64_t ParseBytes(const std::string& option, const std::string& text) {
  constexpr double kMost = 1e15;
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"kB", 1e3},
      {"MB", 1e6},     {"GB", 1e9},     {"TB", 1e12},    {"", 1}};
  for (const auto& [unit, bytes] : kUnits) {
    if (!text.ends_with(unit)) continue;
    std::string number = text.substr(0, text.size() - unit.size());
    while (number.ends_with(' ')) number.pop_back();
    const auto value = ParseNumber<double>(number);
    if (value && *value > 0 && *value * bytes <= kMost) return static_cast<int64_t>(*value * bytes);
    break;
  }
  Fail(ErrorCode::kUsage, "{}: expected bytes such as 512MiB or 2GiB, found '{}'", option, text);
}

template <class T>
CLI::Validator WholeNumberOf(T least, T most) {
  return CLI::Validator(
      [=](std::string& text) {
        const std::optional<T> value = ParseWhole<T>(text);
        if (value && *value >= least && *value <= most) return std::string();
        return Unexpected(fmt::format("a whole number from {} to {}", least, most), text);
      },
      fmt::format("{}..{}", least, most));  // for --help
}

}  // namespace

CLI::Validator WholeNumber(int64_t least, int64_t most) {
  CLI::Validator validator = WholeNumberOf(least, most);
  return most == kMostCounted ? validator.description("") : validator;
}

CLI::Validator ThreadCount() { return WholeNumber(0, 1024); }

CLI::Validator Seed() {
  return WholeNumberOf(uint64_t{0}, std::numeric_limits<uint64_t>::max()).description("");
}

CLI::Validator Number(const NumberRange& range) {
  std::string bounds;
  const auto add = [&](const char* words, double bound) {
    if (std::isfinite(bound)) bounds += fmt::format("{} {} {}", bounds.empty() ? "" : " and", words, bound);
  };
  add("above", range.above);
  add("of at least", range.least);
  add("of at most", range.most);
  add("below", range.below);
  return CLI::Validator(
      [=](std::string& text) {
        const std::optional<double> value = ParseNumber<double>(text);
        if (value && std::isfinite(*value) && *value > range.above && *value >= range.least &&
            *value <= range.most && *value < range.below) {
          return std::string();
        }
        return Unexpected("a number" + bounds, text);
      },
      "");
}

Size ParseSize(const std::string& option, const std::string& text) {
  const size_t cross = std::min(text.find('x'), text.size());
  const auto width = ParseNumber<int64_t>(text.substr(0, cross));
  const auto height = ParseNumber<int64_t>(cross < text.size() ? text.substr(cross + 1) : "");
  const auto fits = [](const auto& side) { return side && *side >= 1 && *side <= kLargestSide; };
  if (!fits(width) || !fits(height)) {
    Fail(ErrorCode::kUsage, "{}: expected WIDTHxHEIGHT in pixels, each from 1 to {}, found '{}'", option,
         kLargestSide, text);
  }
  return {*width, *height};
}

CLI::Option* AddThreadsOption(CLI::App* command, PlanOptions* plan) {
  return command->add_option("--threads", plan->threads, "0: one for each processor")
      ->check(ThreadCount())
      ->capture_default_str();
}

CLI::Option* AddStripsOption(CLI::App* command, PlanOptions* plan) {
  return command->add_option("--strips", plan->strips, "0: by image and network")
      ->check(WholeNumber(0, kMostCounted))
      ->capture_default_str();
}

CLI::Option* AddPrecisionOption(CLI::App* command, PlanOptions* plan) {
  std::map<std::string, Precision> names;
  for (const Precision precision : {Precision::kFloat32, Precision::kBFloat16})
    names[ToString(precision)] = precision;
  return command
      ->add_option_function<std::string>(
          "--precision", [plan, names](const std::string& name) { plan->precision = names.at(name); },
          "fp32, or bf16: values in 16 bits with two to three digits, sums and weights as with fp32;\n"
          "smaller and faster where layers are wide")
      ->check(CLI::IsMember(names))
      ->default_str(ToString(plan->precision));
}

CLI::Option* AddMemoryOption(CLI::App* command, int64_t* bytes) {
  return command
      ->add_option_function<std::string>(
          "--memory", [bytes](const std::string& text) { *bytes = ParseBytes("--memory", text); },
          "Most memory of the whole process, such as 2GiB: chooses panels (strips in columns) and strips to "
          "keep it, or says what the least is")
      ->type_name("BYTES");
}

CLI::Option* AddSimplifyOption(CLI::App* command, double* pixels) {
  const auto check = [](std::string& text) {
    const std::optional<double> value = ParseNumber<double>(text);
    const bool good = value && (*value == 0 || (*value >= 0.5 && std::isfinite(*value)));
    return good ? std::string() : Unexpected("0, or a number of at least 0.5", text);
  };
  return command
      ->add_option("--simplify", *pixels,
                   "Outlines may be so far from the edges of the mask's pixels, in its pixels; 0: nowhere")
      ->check(CLI::Validator(check, ""))
      ->type_name("PIXELS")
      ->capture_default_str();
}

void AddPixelOptions(CLI::App* command, const std::string& level_help, std::optional<int>* level,
                     std::optional<double>* mpp, const std::string& group) {
  CLI::Option* of_level =
      command->add_option("--level", *level, level_help)->check(WholeNumber(0, kMostCounted))->group(group);
  command->add_option("--mpp", *mpp, "Micrometres a pixel to read instead")
      ->check(Number({.above = 0}))
      ->excludes(of_level)
      ->group(group);
}

CLI::Option* AddSlideMppOption(CLI::App* command, SlideOptions* options) {
  return command
      ->add_option("--slide-mpp", options->mpp,
                   "Micrometres that a level-0 pixel has, where the file does not say so or says it wrong")
      ->check(Number({.above = 0}))
      ->type_name("UM");
}

}  // namespace swath::tools
