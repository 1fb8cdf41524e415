#include "tools/config_file.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tools/options.h"

namespace swath::tools {
namespace {

bool TakesList(const CLI::Option& option) { return option.get_items_expected_max() > 1; }
bool IsFlag(const CLI::Option& option) { return option.get_expected_min() == 0; }

/// CLI11 reads files for the whole application only; a subcommand's own are read here, while its options are
/// processed.
class ConfigReader {
 public:
  ConfigReader(CLI::App* command, std::string path) : command_(command), path_(std::move(path)) {
    for (const CLI::App* app = command; app->get_parent() != nullptr; app = app->get_parent()) {
      sections_.insert(sections_.begin(), app->get_name());
    }
    for (const CLI::Option* option : command->get_options()) {
      if (option->count() == 0) continue;
      given_.insert(option);
      for (const CLI::Option* excluded : option->get_excludes()) given_.insert(excluded);
    }
  }

  void Read() {
    std::error_code ignored;
    if (std::filesystem::is_directory(path_, ignored)) {
      Fail(ErrorCode::kInput, "--config {}: expected a TOML file, found a folder", path_);
    }
    std::ifstream file(path_, std::ios::binary);
    if (!file) Fail(ErrorCode::kInput, "--config {}: cannot be opened", path_);
    toml::table table;
    try {
      table = toml::parse(file, path_);
    } catch (const toml::parse_error& e) {
      FailAt(ErrorCode::kInput, e.source(), e.description());
    }
    if (file.bad()) Fail(ErrorCode::kInput, "--config {}: cannot be read", path_);
    Apply(table, 0, "");
  }

 private:
  /// `depth` sections down the command's path; options stand at its end or above all sections.
  void Apply(const toml::table& table, size_t depth, const std::string& prefix) {
    for (const auto& [key, node] : table) {
      const std::string name = prefix + std::string(key.str());
      const bool section = depth < sections_.size() && key.str() == sections_[depth];
      if (section && node.is_table()) {
        Apply(*node.as_table(), depth + 1, name + ".");
        continue;
      }
      CLI::Option* option = command_->get_option_no_throw("--" + std::string(key.str()));
      const bool own = depth == 0 || depth == sections_.size();
      if (!own || option == nullptr || !option->get_configurable()) {
        FailAt(ErrorCode::kUsage, key.source(),
               fmt::format("'{}' is no option of {}", name, command_->get_name()));
      }
      Apply(option, key, node);
    }
  }

  void Apply(CLI::Option* option, const toml::key& key, const toml::node& node) {
    if (given_.contains(option)) return;
    const std::string name(key.str());
    if (option->count() > 0)
      FailAt(ErrorCode::kUsage, key.source(), fmt::format("'{}' is given twice", name));
    for (const CLI::Option* excluded : option->get_excludes()) {
      if (excluded->count() > 0) {
        FailAt(ErrorCode::kUsage, key.source(),
               fmt::format("'{}' excludes '{}'", name, excluded->get_lnames().front()));
      }
    }
    try {
      std::vector<std::string> values = Values(*option, name, node);
      if (IsFlag(*option)) values = {option->get_flag_value(name, values.front())};
      if (node.is_array()) {
        AddAsTheyAre(option, std::move(values));
      } else {
        option->add_result(std::move(values));
      }
      option->run_callback();
    } catch (const CLI::ParseError& e) {
      FailAt(ErrorCode::kUsage, node.source(), e.what());
    }
  }

  /// A comma in an element of an array, or brackets around it, belong to it.
  static void AddAsTheyAre(CLI::Option* option, std::vector<std::string> values) {
    const char delimiter = option->get_delimiter();
    const bool extra = option->get_allow_extra_args();
    option->delimiter('\0')->allow_extra_args(false)->add_result(std::move(values));
    option->delimiter(delimiter)->allow_extra_args(extra);
  }

  std::vector<std::string> Values(const CLI::Option& option, const std::string& name,
                                  const toml::node& node) {
    const auto unexpected = [&](const char* expected, const toml::node& found) {
      std::ostringstream type;
      type << found.type();
      FailAt(ErrorCode::kUsage, found.source(),
             fmt::format("{}: expected {}, found a value of type {}", name, expected, type.str()));
    };
    std::vector<std::string> values;
    if (const toml::array* array = TakesList(option) ? node.as_array() : nullptr) {
      for (const toml::node& element : *array) {
        const std::optional<std::string> value = Scalar(element);
        if (!value) unexpected("numbers or strings", element);
        values.push_back(*value);
      }
      if (values.empty()) unexpected("a value or more", node);
    } else if (IsFlag(option)) {
      if (!node.is_boolean()) unexpected("true or false", node);
      values = {*node.value<bool>() ? "true" : "false"};
    } else {
      const std::optional<std::string> value = Scalar(node);
      if (!value)
        unexpected(TakesList(option) ? "a number, a string or an array" : "a number or a string", node);
      values = {*value};
    }
    return values;
  }

  /// A string, or a number as the command line would have it.
  static std::optional<std::string> Scalar(const toml::node& node) {
    if (node.is_string()) return node.value<std::string>();
    if (node.is_integer()) return fmt::format("{}", *node.value<int64_t>());
    if (node.is_floating_point()) return fmt::format("{}", *node.value<double>());
    return std::nullopt;
  }

  [[noreturn]] void FailAt(ErrorCode code, const toml::source_region& place, std::string_view what) {
    if (place.begin.line == 0) Fail(code, "--config {}: {}", path_, what);
    Fail(code, "--config {}: line {}: {}", path_, place.begin.line, what);
  }

  CLI::App* command_;
  std::string path_;
  std::vector<std::string> sections_;   ///< the command's name, those of its groups before it
  std::set<const CLI::Option*> given_;  ///< on the command line, or excluded by what is given there
};

/// As a TOML string.
std::string Quoted(const CLI::Option& option, const std::string& text) {
  const toml::value<std::string> value(text);
  std::ostringstream out;
  out << toml::toml_formatter(value, toml::format_flags::allow_unicode_strings);
  const auto read_back = toml::parse("x = " + out.str())["x"].value<std::string>();
  if (read_back != text) {
    Fail(ErrorCode::kUsage, "{}: expected text in UTF-8, found '{}'", option.get_name(), text);
  }
  return out.str();
}

/// A number where the option takes numbers and TOML has them, which is up to 2^63 - 1; else a string.
std::string Toml(const CLI::Option& option, const std::string& text) {
  if (!option.get_type_name().starts_with("TEXT")) {
    if (const auto whole = ParseNumber<int64_t>(text)) return fmt::format("{}", *whole);
  }
  if (option.get_type_name().starts_with("FLOAT")) {
    if (const auto real = ParseNumber<double>(text)) return fmt::format("{}", *real);
  }
  return Quoted(option, text);
}

std::string Toml(const CLI::Option& option, const std::vector<std::string>& values) {
  if (IsFlag(option)) return option.as<bool>() ? "true" : "false";
  if (!TakesList(option)) return Toml(option, values.front());
  std::string text;
  for (const std::string& value : values) {
    text += (text.empty() ? "" : ", ") + Toml(option, value);
  }
  return "[" + text + "]";
}

}  // namespace

void AddConfigFile(CLI::App* command) {
  command
      ->add_option_function<std::string>(
          "--config", [command](const std::string& path) { ConfigReader(command, path).Read(); },
          "TOML file with any of these options; the command line wins")
      ->type_name("FILE")
      ->configurable(false);
}

std::string FormatConfig(const CLI::App& command) {
  std::string text;
  for (const CLI::Option* option : command.get_options()) {
    if (!option->get_configurable() || option->get_lnames().empty()) continue;
    std::vector<std::string> values = option->reduced_results();
    if (values.empty() && !IsFlag(*option) && !option->get_default_str().empty()) {
      values = {option->get_default_str()};
    }
    if (values.empty()) continue;
    text += fmt::format("{} = {}\n", option->get_lnames().front(), Toml(*option, values));
  }
  return text;
}

}  // namespace swath::tools
