#include "train/targets.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/parse_number.h"

namespace swath {
namespace {

std::vector<std::string> Parts(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ';') {
      parts.emplace_back();
    } else if (c != ' ' || !parts.back().empty()) {
      parts.back() += c;
    }
  }
  for (std::string& part : parts) part.erase(part.find_last_not_of(' ') + 1);
  return parts;
}

std::optional<double> Number(const std::string& text) {
  const auto value = ParseNumber<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<size_t> IndexOf(const std::vector<std::string>& classes, const std::string& name) {
  const auto it = std::find(classes.begin(), classes.end(), name);
  if (it == classes.end()) return std::nullopt;
  return static_cast<size_t>(it - classes.begin());
}

/// A class by its name or its index.
double OneClass(const std::string& text, const std::vector<std::string>& classes) {
  if (const auto index = IndexOf(classes, text)) return static_cast<double>(*index);
  const auto number = Number(text);
  if (number && *number >= 0 && *number < static_cast<double>(classes.size()) &&
      *number == static_cast<double>(static_cast<int64_t>(*number)))
    return *number;
  Fail(ErrorCode::kInput, "expected one of {}, or 0 to {}, found '{}'", fmt::join(classes, ", "),
       classes.size() - 1, text);
}

std::vector<double> Several(const std::vector<std::string>& parts, const std::vector<std::string>& classes,
                            int64_t values, const std::string& text) {
  const auto is_value = [](const std::string& part) { return part == "0" || part == "1" || part == "?"; };
  std::vector<double> target;
  if (static_cast<int64_t>(parts.size()) == values && std::all_of(parts.begin(), parts.end(), is_value)) {
    if (std::all_of(parts.begin(), parts.end(), [](const std::string& part) { return part == "?"; }))
      Fail(ErrorCode::kInput, "expected one value at least that is known, found '{}'", text);
    for (const std::string& part : parts)
      target.push_back(part == "?" ? std::numeric_limits<double>::quiet_NaN() : *Number(part));
    return target;
  }
  target.assign(static_cast<size_t>(values), 0.0);
  for (const std::string& part : parts) {
    const auto index = IndexOf(classes, part);
    if (!index || *index >= target.size()) {
      Fail(ErrorCode::kInput, "expected some of {} joined by ';', or {} of 0, 1 and ?, found '{}'",
           fmt::join(classes, ", "), values, text);
    }
    target[*index] = 1;
  }
  return target;
}

}  // namespace

std::vector<double> ParseTarget(const std::string& text, SlideLossKind kind,
                                const std::vector<std::string>& classes, int64_t values) {
  const std::vector<std::string> parts = Parts(text);
  if (kind == SlideLossKind::kCrossEntropy || (kind == SlideLossKind::kBce && values == 1))
    return {OneClass(parts.size() == 1 ? parts[0] : text, classes)};
  if (kind == SlideLossKind::kBce) return Several(parts, classes, values, text);
  std::vector<double> target;
  for (const std::string& part : parts) {
    const auto number = Number(part);
    if (number) target.push_back(*number);
  }
  if (target.size() != parts.size() || static_cast<int64_t>(target.size()) != values)
    Fail(ErrorCode::kInput, "expected {} number{} joined by ';', found '{}'", values, values == 1 ? "" : "s",
         text);
  return target;
}

}  // namespace swath
