/// Options from a file, for any subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace swath::tools {

/// Adds `--config FILE`: TOML whose keys are the command's long options, with or without a [command] section.
/// What stands on the command line wins, also over keys that it excludes. Throws Error: kInput for a file
/// that cannot be read, kUsage for a key that is no option.
void AddConfigFile(CLI::App* command);

/// The options of a command as such a file, defaults included.
std::string FormatConfig(const CLI::App& command);

}  // namespace swath::tools
