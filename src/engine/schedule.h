/// The order of the work in one sweep over one strip (invariant I1), on row counters alone.
///
/// Backward work goes first, the op nearest the input before the others; then forward work, the deepest op
/// that is ready; only then the next input row. The plan runs this class to learn how many rows are ever
/// alive; the streaming engine runs it to know what to do. There is no second scheduler.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program.h"
#include "engine/strip.h"
#include "engine/sweep.h"

namespace swath {

struct Work {
  enum class Kind { kInput, kForward, kBackward, kDone };
  Kind kind = Kind::kDone;
  int op = -1;
  Range rows;  ///< of the input, or of the op's dst
};

class Schedule {
 public:
  /// All arguments must outlive the schedule.
  Schedule(const Program& program, const Sweep& sweep, const Strip& strip);

  /// The next rows of work; the same until they are committed.
  Work Next() const;
  /// Marks them as done.
  void Commit(const Work& work);

  /// Rows of a tensor whose values exist and are still needed, now.
  Range LiveValues(int tensor) const;
  /// Rows of a tensor's gradient that have been added to, or made, and are still needed, now.
  Range LiveGradients(int tensor) const;

  /// The source rows that op needs for rows of its dst, clipped to the image.
  Range SourceRows(const Op& op, int tensor, Range rows) const;
  /// The source rows whose gradients op adds to when these rows of its dst go back; of one that pulls, those
  /// that are then whole.
  Range GradientRows(const Op& op, int tensor, Range rows) const;
  /// The first row of op's dst whose gradient is read when row y, the next one, goes back.
  int64_t FirstSeen(const Op& op, int64_t y) const;

  /// Whether a tensor has a gradient in this sweep.
  bool HasGradient(int tensor) const {
    const int writer = program_.writer[static_cast<size_t>(tensor)];
    return writer >= 0 && sweep_.backward[static_cast<size_t>(writer)];
  }

 private:
  /// The rows of dst that come next, in a block of the op's.
  Range NextForward(int op) const;
  Range NextBackward(int op) const;
  bool ReadyForward(int op) const;
  bool ReadyBackward(int op) const;
  /// Of an op that pulls: the end of the source rows whose gradients are whole when the rows of dst before y
  /// have gone back.
  int64_t PulledTo(const Op& op, int tensor, int64_t y) const;
  const Range& Rows(int tensor) const { return strip_.rows[static_cast<size_t>(tensor)]; }

  const Program& program_;
  const Sweep& sweep_;
  const Strip& strip_;
  std::vector<int64_t> forward_;   ///< by tensor: values exist below this row
  std::vector<int64_t> backward_;  ///< by op: rows of dst below this one have gone back
};

}  // namespace swath
