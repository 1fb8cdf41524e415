/// Options from a file, for any subcommand.
#pragma once

#include <CLI/CLI.hpp>

namespace swath::tools {

/// Adds `--config FILE`: TOML whose keys are the command's long options, with or without a section of the
/// command's name, such as [train] or [bench.step]. Flags are true or false, lists arrays. What stands on the
/// command line wins, also over keys that it excludes. Throws Error with the file and the line: kInput for a
/// file that cannot be read or is no TOML, kUsage for a key that is no option and for a wrong value.
void AddConfigFile(CLI::App* command);

/// The options of a command as such a file, defaults included. Throws Error (kUsage) for text that is not
/// UTF-8, which TOML has no way to write.
std::string FormatConfig(const CLI::App& command);

}  // namespace swath::tools
