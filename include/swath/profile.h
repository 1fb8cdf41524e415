/// Where the time of a step, or of a prediction, has gone.
#pragma once

#include <vector>

namespace swath {

/// Seconds of all threads together. Waiting for each other is not among them, but that for a turn to hand
/// predicted rows over.
struct Profile {
  double decode_seconds = 0;   ///< reading rows of image and labels, whatever that takes
  double convert_seconds = 0;  ///< samples to numbers, normalised
  double loss_seconds = 0;
  double output_seconds = 0;  ///< handing predicted rows over

  struct Op {
    double forward_seconds = 0;   ///< its activation included
    double backward_seconds = 0;  ///< of source and parameters
    int64_t skipped = 0;          ///< multiply-adds not done: results that repeat, as over empty glass
  };
  std::vector<Op> ops;  ///< as Plan::ops

  int64_t skipped() const {
    int64_t sum = 0;
    for (const Op& op : ops) sum += op.skipped;
    return sum;
  }
  double forward_seconds() const {
    double sum = 0;
    for (const Op& op : ops) sum += op.forward_seconds;
    return sum;
  }
  double backward_seconds() const {
    double sum = 0;
    for (const Op& op : ops) sum += op.backward_seconds;
    return sum;
  }
  double seconds() const {
    return decode_seconds + convert_seconds + loss_seconds + output_seconds + forward_seconds() +
           backward_seconds();
  }

  void Add(const Profile& other) {
    decode_seconds += other.decode_seconds;
    convert_seconds += other.convert_seconds;
    loss_seconds += other.loss_seconds;
    output_seconds += other.output_seconds;
    for (size_t i = 0; i < ops.size(); ++i) {
      ops[i].forward_seconds += other.ops[i].forward_seconds;
      ops[i].backward_seconds += other.ops[i].backward_seconds;
      ops[i].skipped += other.ops[i].skipped;
    }
  }
};

}  // namespace swath
