#include "tools/tissue_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tools/progress_line.h"

namespace swath::tools {

CLI::Option* AddTissueOption(CLI::App* command, DatasetOptions* options) {
  return command
      ->add_option_function<std::string>(
          "--tissue", [options](const std::string& text) { options->find_tissue = text == "auto"; },
          "auto: only tissue carries loss, found at low resolution where a column tissue does not name\n"
          "it; what is far from it is not read [none]")
      ->check(CLI::IsMember({"auto", "none"}));
}

void FindTissueIfWanted(Dataset* dataset, const std::vector<Split>& splits) {
  if (!dataset->options.find_tissue) return;
  StatusLine line;
  FindTissueOfSlides(dataset, splits, [&](const DatasetEntry& entry, int64_t done, int64_t total) {
    line.Show(fmt::format("tissue of {}: {:.0f} %", entry.name,
                          100.0 * static_cast<double>(done) / static_cast<double>(total)));
  });
  line.Clear();
}

}  // namespace swath::tools
