/// The subcommands of `swath`: one function a file, each adds its options and its callback to the application.
#pragma once

#include <CLI/CLI.hpp>

namespace swath::tools {

void AddSynth(CLI::App& app);
void AddInfo(CLI::App& app);
void AddModel(CLI::App& app);

}  // namespace swath::tools
