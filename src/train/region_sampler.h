/// Random parts of slides to train on.
#pragma once

#include <array>
#include <cstdint>

#include "swath/dataset.h"
#include "swath/trainer.h"

namespace swath {

struct RegionSampling {
  RegionSize size;
  std::array<bool, 256> counts{};  ///< by label, whether a loss can do something with it
  uint8_t ignore_label = 255;
  uint64_t seed = 0;
};

/// The entry with a region of that size in place of its image; of its whole width or height where that is
/// smaller. All positions are as likely, but for those where no label counts, which are drawn again; where
/// labels are so few that fifty draws find none, one of their pixels is drawn, and a region around it.
/// Follows from seed, visit and mask alone. Throws Error (kInput) where the entry has no label that counts.
DatasetEntry DrawRegion(const Dataset& dataset, const DatasetEntry& entry, const RegionSampling& sampling,
                        int64_t visit);

}  // namespace swath
