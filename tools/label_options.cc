#include "tools/label_options.h"

#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"

namespace swath::tools {
namespace {

/// The index of a class; -1 if there is none of that name.
int64_t IndexOf(const std::vector<std::string>& classes, const std::string& name) {
  const auto found = std::find(classes.begin(), classes.end(), name);
  return found == classes.end() ? -1 : found - classes.begin();
}

LabelRule ParseRule(const std::string& option, const std::string& text,
                    const std::vector<std::string>& classes) {
  const int64_t index = IndexOf(classes, text);
  if (index >= 0) return {LabelRule::Kind::kLabel, static_cast<uint8_t>(index)};
  if (text == "ignore") return {.kind = LabelRule::Kind::kIgnore};
  if (text == "region") return {.kind = LabelRule::Kind::kRegion};
  if (text == "nothing") return {.kind = LabelRule::Kind::kNothing};
  Fail(ErrorCode::kUsage, "--label {}: expected ignore, region, nothing or a class ({}), found '{}'", option,
       fmt::join(classes, ", "), text);
}

}  // namespace

void AddLabelOptions(CLI::App* command, LabelOptions* options, const std::string& group) {
  command
      ->add_option(
          "--label", options->labels,
          "NAME=CLASS: annotations of class NAME have the label of CLASS. Or NAME=ignore: they carry\n"
          "no loss; NAME=region: what is outside of all such areas carries none; NAME=nothing: they\n"
          "are left out. Names that are those of classes need no --label; may be repeated")
      ->type_name("NAME=CLASS")
      ->allow_extra_args(false)
      ->group(group);
  command
      ->add_option("--elsewhere", options->elsewhere,
                   "The class of what no annotation covers, or ignore [the first class]")
      ->group(group);
}

LabelRules MakeLabelRules(const LabelOptions& options, const std::vector<std::string>& classes,
                          uint8_t ignore_label) {
  LabelRules rules{.classes = {}, .elsewhere = 0, .ignore = ignore_label};
  rules.classes[kIgnoredClass] = {.kind = LabelRule::Kind::kIgnore};
  rules.classes["Region*"] = {.kind = LabelRule::Kind::kRegion};
  for (size_t i = 0; i < classes.size(); ++i)
    rules.classes[classes[i]] = {LabelRule::Kind::kLabel, static_cast<uint8_t>(i)};
  for (const std::string& option : options.labels) {
    // Names of annotations may hold anything, those of networks' classes hardly a '='.
    const size_t equals = option.rfind('=');
    if (equals == std::string::npos)
      Fail(ErrorCode::kUsage, "--label {}: expected NAME=CLASS, found no '='", option);
    rules.classes[option.substr(0, equals)] = ParseRule(option, option.substr(equals + 1), classes);
  }
  if (options.elsewhere == "ignore") {
    rules.elsewhere = ignore_label;
  } else if (!options.elsewhere.empty()) {
    const int64_t index = IndexOf(classes, options.elsewhere);
    if (index < 0)
      Fail(ErrorCode::kUsage, "--elsewhere: expected ignore or a class ({}), found '{}'",
           fmt::join(classes, ", "), options.elsewhere);
    rules.elsewhere = static_cast<uint8_t>(index);
  }
  return rules;
}

}  // namespace swath::tools
