/// What metrics.jsonl says of a run.
#pragma once

#include <cstdint>
#include <string>

#include "train/curves.h"

namespace swath {

struct RunHistory {
  Curves curves;
  std::string kept;       ///< the lines themselves
  int64_t steps = 0;      ///< taken
  int64_t best_step = 0;  ///< of the validation that was best; 0 where there was none
  double training_seconds = 0;
  double validation_seconds = 0;
  double peak_resident_mib = 0;  ///< of the processes that trained
};

/// Lines of steps after `last_step` are left out, and so is what is no record: a run that was killed may end
/// in one. An absent file is an empty history.
RunHistory ReadRunHistory(const std::string& path, int64_t last_step);

}  // namespace swath
