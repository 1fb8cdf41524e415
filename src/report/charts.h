/// Small diagrams within a page, coloured by its style sheet.
#pragma once

#include <string>
#include <vector>

#include "swath/metrics.h"

namespace swath {

/// A curve a label; labels are shown where there are several.
struct RocSeries {
  std::string label;
  std::vector<RocPoint> curve;
};
std::string DrawRoc(const std::vector<RocSeries>& series);

struct ScatterPoint {
  double target = 0;
  double predicted = 0;
  std::string slide;
};
/// Predictions over targets, with the diagonal on which both are equal.
std::string DrawScatter(const std::string& label, const std::vector<ScatterPoint>& points);

}  // namespace swath
