/// `swath bench`: how long the main jobs take here, beside what they take at least.
#include "tools/commands.h"

namespace swath::tools {

void AddBench(CLI::App& app) {
  CLI::App* bench = app.add_subcommand("bench", "Measures this machine");
  bench->require_subcommand(1);
  AddBenchStep(*bench);
  AddBenchPredict(*bench);
}

}  // namespace swath::tools
