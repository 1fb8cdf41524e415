/// Which label the classes of annotations have, as options say it.
#pragma once

#include <string>
#include <vector>

#include "swath/annotation.h"

namespace CLI {
class App;
}  // namespace CLI

namespace swath::tools {

struct LabelOptions {
  std::vector<std::string> labels;  ///< NAME=CLASS, NAME=ignore, …
  std::string elsewhere;            ///< a class, or "ignore"; empty: the first class
};

/// --label and --elsewhere, in a group of the help.
void AddLabelOptions(CLI::App* command, LabelOptions* options, const std::string& group);

/// Every class has its index as label, under its own name and those that --label gives. QuPath's Ignore* is
/// ignored and its Region* a region, unless something else is said about them. Throws Error (kUsage) that
/// names the option.
LabelRules MakeLabelRules(const LabelOptions& options, const std::vector<std::string>& classes,
                          uint8_t ignore_label);

}  // namespace swath::tools
