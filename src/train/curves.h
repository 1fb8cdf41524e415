/// Loss and Dice over the steps of a run, as a picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swath {

struct CurvePoint {
  int64_t step = 0;
  double loss = 0;
  double dice = 0;
};

struct Curves {
  std::vector<CurvePoint> train;
  std::vector<CurvePoint> validation;
};

/// An SVG with two diagrams, loss above Dice.
std::string DrawCurves(const std::string& title, const Curves& curves);

}  // namespace swath
