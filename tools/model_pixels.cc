#include "tools/model_pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "swath/model.h"
#include "tools/splits.h"

namespace swath::tools {
namespace {

/// The first, and how many there are.
std::string FirstOf(const std::vector<SlideRead>& slides) {
  const std::string& name = slides.front().name;
  return slides.size() == 1 ? name : fmt::format("{} and {} more", name, slides.size() - 1);
}

}  // namespace

void TellPixelSize(const std::string& model, const Graph& graph, const RowOptions& rows,
                   const std::vector<SlideRead>& slides) {
  const std::optional<double> trained = ModelMpp(graph);
  if (!trained) return;
  const bool by_model = rows.model_mpp && !rows.level && !rows.mpp;
  std::vector<SlideRead> unknown, apart, finest;
  for (const SlideRead& slide : slides) {
    if (!slide.mpp) {
      unknown.push_back(slide);
    } else if (!SameMagnification(*slide.mpp, *trained)) {
      apart.push_back(slide);
    } else if (by_model && !SamePixelSize(*slide.mpp, *trained)) {
      finest.push_back(slide);
    }
  }
  if (by_model && unknown.size() + finest.size() < slides.size())
    fmt::print(stderr, "swath: slides are read at {:.4g} um a pixel, as {} was trained\n", *trained, model);
  if (!finest.empty()) {
    fmt::print(stderr,
               "swath: {}: read at {:.4g} um a pixel, the finest there is; {} was trained at {:.4g}\n",
               FirstOf(finest), *finest.front().mpp, model, *trained);
  }
  if (!apart.empty()) {
    fmt::print(stderr, "swath: warning: {}: read at {:.4g} um a pixel, but {} was trained at {:.4g}\n",
               FirstOf(apart), *apart.front().mpp, model, *trained);
  }
  if (!unknown.empty()) {
    fmt::print(stderr,
               "swath: warning: {}: the pixel size is not known, so level {} is read, but {} was trained at "
               "{:.4g} um a pixel; --slide-mpp says what a level-0 pixel has\n",
               FirstOf(unknown), rows.level.value_or(0), model, *trained);
  }
}

void TellPixelSize(const std::string& model, const Graph& graph, const Dataset& dataset,
                   const std::string& split) {
  std::vector<SlideRead> slides;
  for (const DatasetEntry& entry : dataset.entries) {
    if (Includes(split, entry.split)) slides.push_back({entry.name, entry.mpp});
  }
  const DatasetOptions& read = dataset.options;
  TellPixelSize(model, graph, {.level = read.level, .mpp = read.mpp, .model_mpp = read.model_mpp}, slides);
}

}  // namespace swath::tools
