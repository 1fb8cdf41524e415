#include "tools/tissue_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "tools/progress_line.h"

namespace swath::tools {

CLI::Option* AddTissueOption(CLI::App* command, const std::string& effect, bool* find) {
  return command
      ->add_option_function<std::string>(
          "--tissue", [find](const std::string& text) { *find = text == "auto"; },
          "auto: find the tissue at low resolution, where a column tissue does not name it; only\n"
          "there " +
              effect + ", and what is far from it is not read [none]")
      ->check(CLI::IsMember({"auto", "none"}));
}

TissueMap FindTissueShown(const Slide& slide) {
  const SlideInfo& info = slide.info();
  if (!info.mpp_x) {
    fmt::print(stderr, "swath: {}: does not say its pixel size, {} um are taken (--slide-mpp)\n", info.path,
               kAssumedMpp);
  }
  const SlideLevel& whole = info.levels.front();
  PixelProgress line("tissue of " + info.path,
                     static_cast<double>(whole.width) * static_cast<double>(whole.height));
  return FindTissue(slide, [&](int64_t done, int64_t total) { line.Show(done, total); });
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
