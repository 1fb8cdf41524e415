/// The least time that a step can take on this machine, to judge the time that it takes.
#pragma once

#include <algorithm>

#include "swath/dataset.h"
#include "swath/plan.h"

namespace swath::tools {

/// All measured on this machine, on as many threads as the plan has.
struct Floor {
  double decode_seconds = 0;            ///< reading image and labels, and nothing else
  double multiply_adds_per_second = 0;  ///< fused, float32, in registers
  double copy_bytes_per_second = 0;     ///< beyond the caches; read and written, each byte counted once
  double arithmetic_seconds = 0;  ///< the plan's multiply-adds at that rate but for halos and skipped ones
  double memory_seconds = 0;      ///< pixels and labels written by who decodes and read by who computes

  /// Arithmetic and memory may overlap; threads that decode do not compute.
  double seconds() const { return decode_seconds + std::max(arithmetic_seconds, memory_seconds); }
};

/// `skipped`: the share of the multiply-adds that the step did not do.
Floor MeasureFloor(const Plan& plan, const SlideSample& sample, double skipped);

}  // namespace swath::tools
