#include "tools/usage_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

namespace swath::tools {
namespace {

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

/// Something that no command takes, or a command that is absent or unknown. CLI11 complains of what is
/// required first; a misspelt name is the better thing to say.
std::string MissingOrExtra(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  const std::string name = command == &app ? "swath" : command->get_name();
  const std::vector<std::string> commands = CommandNames(*command);
  const std::vector<std::string> extra = app.remaining(/*recurse=*/true);
  if (!extra.empty() && extra.front().starts_with('-')) {
    return fmt::format("'{}' is no option of {}", extra.front(), name);
  }
  if (!commands.empty()) {
    return extra.empty() ? fmt::format("expected a command of {}: {}", name, fmt::join(commands, ", "))
                         : fmt::format("'{}' is no command of {}, expected one of {}", extra.front(), name,
                                       fmt::join(commands, ", "));
  }
  if (!extra.empty()) return fmt::format("{}: unexpected argument '{}'", name, extra.front());
  return error.what();
}

}  // namespace

std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) || dynamic_cast<const CLI::ExtrasError*>(&error)) {
    return MissingOrExtra(app, error);
  }
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    const std::string option = what.substr(0, what.find(':'));
    if (what.ends_with("missing")) return option + ": expected a value, found none";
    if (what.find("At Most") != std::string::npos) return option + ": expected once, found more than once";
  }
  return what;
}

}  // namespace swath::tools
