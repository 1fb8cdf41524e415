/// The loss on tissue alone, as --tissue says it.
#pragma once

#include <vector>

#include "swath/dataset.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace swath::tools {

/// --tissue auto, or none.
CLI::Option* AddTissueOption(CLI::App* command, DatasetOptions* options);

/// Finds it, with progress shown, where the data set's options say so.
void FindTissueIfWanted(Dataset* dataset, const std::vector<Split>& splits);

}  // namespace swath::tools
