/// The pixel size that slides are read at, beside the one that a model was trained at.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "swath/dataset.h"
#include "swath/graph.h"
#include "swath/slide.h"

namespace swath::tools {

struct SlideRead {
  std::string name;
  std::optional<double> mpp;  ///< micrometres a pixel, as it is read; nothing where it is not known
};

/// On standard error: that slides are read at the model's own pixel size, and a warning of those that are
/// not, a line each. Silent where the model has none.
void TellPixelSize(const std::string& model, const Graph& graph, const RowOptions& rows,
                   const std::vector<SlideRead>& slides);
/// The same of a split, or of "all".
void TellPixelSize(const std::string& model, const Graph& graph, const Dataset& dataset,
                   const std::string& split);

}  // namespace swath::tools
