/// The subcommands of `swath`: one function a file, each adds its options and its callback to the
/// application.
#pragma once

#include <CLI/CLI.hpp>

namespace swath::tools {

void AddAnnotate(CLI::App& app);
void AddBench(CLI::App& app);
void AddBenchPredict(CLI::App& bench);
void AddBenchStep(CLI::App& bench);
void AddCheckGradients(CLI::App& app);
void AddEval(CLI::App& app);
void AddInfo(CLI::App& app);
void AddModel(CLI::App& app);
void AddPlan(CLI::App& app);
void AddPredict(CLI::App& app);
void AddReport(CLI::App& app);
void AddSynth(CLI::App& app);
void AddTissue(CLI::App& app);
void AddTrain(CLI::App& app);
void AddView(CLI::App& app);

}  // namespace swath::tools
