/// One figure for predictions of slides.
#pragma once

#include <vector>

#include "swath/loss.h"
#include "swath/trainer.h"

namespace swath {

/// BCE: the area under the ROC curve, for several values the mean of those that have slides of both kinds;
/// cross-entropy: the share of slides whose class has the highest value; MSE: the root of the mean squared
/// error. `targets` as ParseTarget gives them.
Score SlideScore(SlideLossKind kind, const std::vector<std::vector<double>>& outputs,
                 const std::vector<std::vector<double>>& targets);

}  // namespace swath
