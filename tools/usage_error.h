/// What is said about a command line that does not parse.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace swath::tools {

/// One line that names the option, argument or command at fault; `app` is the application that threw.
std::string UsageMessage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace swath::tools
