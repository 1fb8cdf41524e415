/// How much of the machine a command may take.
#pragma once

#include <cstdint>

#include "swath/engine.h"
#include "swath/plan.h"

namespace swath::tools {

class Resources {
 public:
  /// memory: most bytes of the whole process, 0 for no limit. What the process holds now beside the weights
  /// of `graph` is measured.
  Resources(const Graph& graph, const PlanOptions& options, int64_t memory);

  bool limited() const { return memory_ > 0; }

  struct Fitted {
    Plan plan;
    int64_t process_bytes = 0;  ///< of the whole process, with this plan's engine; 0 without a limit
  };

  /// How an image is best computed. Throws as FitPlan does. bytes_per_pixel: of what is made of logits;
  /// `beside`: bytes held beside the engine and those who read the sample.
  Fitted Fit(const Graph& graph, const Objective& objective, const Sample& sample,
             int64_t bytes_per_pixel = 1, int64_t beside = 0) const;

 private:
  PlanOptions options_;
  int64_t memory_;
  int64_t process_bytes_;
};

}  // namespace swath::tools
