/// Loss and score over the steps of a run, as a picture.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace swath {

struct CurvePoint {
  int64_t step = 0;
  double loss = 0;
  double score = std::numeric_limits<double>::quiet_NaN();  ///< that where there is none
};

struct Curves {
  std::vector<CurvePoint> train;
  std::vector<CurvePoint> validation;
  std::string score = "dice";  ///< what it is
};

/// An SVG with two diagrams, the loss above the score.
std::string DrawCurves(const std::string& title, const Curves& curves);

}  // namespace swath
