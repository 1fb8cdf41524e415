/// The loss on tissue alone, as --tissue says it.
#pragma once

#include <string>
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

/// Of "train", "val" or "test", that; of "all", all.
std::vector<Split> SplitsOf(const std::string& text);

}  // namespace swath::tools
