/// What `swath train` tells while it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "swath/trainer.h"
#include "tools/progress_line.h"

namespace swath::tools {

/// A summary first; then one line on standard error that is rewritten on a terminal, and elsewhere a line
/// every few seconds. Validations get a line of their own.
class TrainProgress : public TrainObserver {
 public:
  explicit TrainProgress(int64_t steps) : steps_(steps) {}

  void OnStart(const TrainSummary& summary) override;
  void OnRows(int64_t step, bool validation, double part) override;
  void OnStep(const StepRecord& record) override;
  void OnValidation(const ValidationRecord& record) override;

 private:
  using Clock = std::chrono::steady_clock;

  std::string Line(const std::string& what, double steps_done) const;

  int64_t steps_;
  int64_t first_step_ = 0;
  bool seen_step_ = false;
  StepRecord last_;
  StatusLine line_;
  Clock::time_point started_;
};

}  // namespace swath::tools
