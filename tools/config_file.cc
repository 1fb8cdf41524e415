#include "tools/config_file.h"

#include <fmt/ranges.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

namespace swath::tools {
namespace {

/// CLI11 reads files for the whole application only; a subcommand's own are read here, while its options are
/// processed.
void Apply(CLI::App* command, const std::string& path) {
  std::ifstream file(path);
  if (!file) Fail(ErrorCode::kInput, "--config {}: cannot be opened", path);
  std::set<const CLI::Option*> given;
  for (const CLI::Option* option : command->get_options()) {
    if (option->count() == 0) continue;
    given.insert(option);
    for (const CLI::Option* excluded : option->get_excludes()) given.insert(excluded);
  }
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(file)) {
    if (item.name == "++" || item.name == "--") continue;  // begin and end of a section
    CLI::Option* option = command->get_option_no_throw("--" + item.name);
    const bool own =
        item.parents.empty() || (item.parents.size() == 1 && item.parents[0] == command->get_name());
    if (!own || option == nullptr || !option->get_configurable()) {
      Fail(ErrorCode::kUsage, "--config {}: '{}' is no option of {}", path, item.fullname(),
           command->get_name());
    }
    if (given.contains(option)) continue;
    if (option->get_expected_min() == 0 && item.inputs.size() == 1) {
      option->add_result(option->get_flag_value(item.name, item.inputs[0]));
    } else {
      option->add_result(item.inputs);
    }
    option->run_callback();
  }
}

/// Strings in quotes, numbers as they are, several values as an array.
std::string Toml(const std::vector<std::string>& values) {
  const nlohmann::json number = nlohmann::json::parse(values.front(), nullptr, false);
  if (values.size() == 1) return number.is_number() ? values.front() : nlohmann::json(values.front()).dump();
  return fmt::format("[{}]", fmt::join(values, ", "));
}

}  // namespace

void AddConfigFile(CLI::App* command) {
  command
      ->add_option_function<std::string>(
          "--config", [command](const std::string& path) { Apply(command, path); },
          "TOML file with any of these options; the command line wins")
      ->type_name("FILE")
      ->configurable(false);
}

std::string FormatConfig(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    const bool flag = option->get_expected_min() == 0;
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    if (option->count() == 0 && (flag || option->get_default_str().empty())) continue;
    const std::vector<std::string> values =
        option->count() > 0 ? option->reduced_results() : std::vector{option->get_default_str()};
    text += fmt::format("{} = {}\n", option->get_lnames().front(), flag ? values.front() : Toml(values));
  }
  return text;
}

}  // namespace swath::tools
