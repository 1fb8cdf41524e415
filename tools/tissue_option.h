/// Tissue alone, as --tissue says it.
#pragma once

#include <string>
#include <vector>

#include "swath/dataset.h"
#include "swath/tissue.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace swath::tools {

/// --tissue auto, or none. `effect`: what happens there alone.
CLI::Option* AddTissueOption(CLI::App* command, const std::string& effect, bool* find);

/// That of a slide, with progress shown; and with a word where the size of its pixels has to be assumed.
TissueMap FindTissueShown(const Slide& slide);

/// That of a data set's slides, with progress shown, where its options say so.
void FindTissueIfWanted(Dataset* dataset, const std::vector<Split>& splits);

}  // namespace swath::tools
