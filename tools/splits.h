/// Splits as options name them.
#pragma once

#include <string>
#include <vector>

#include "swath/dataset.h"

namespace swath::tools {

/// Whether "train", "val", "test" or "all" means this split, too.
inline bool Includes(const std::string& splits, Split split) {
  return splits == "all" || splits == ToString(split);
}

/// All that it means.
inline std::vector<Split> SplitsOf(const std::string& splits) {
  std::vector<Split> of;
  for (const Split split : {Split::kTrain, Split::kValidation, Split::kTest}) {
    if (Includes(splits, split)) of.push_back(split);
  }
  return of;
}

}  // namespace swath::tools
