/// Figures of a run as TensorBoard reads them.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

namespace swath {

struct EventScalar {
  std::string tag;  ///< "loss/train": what is before the slash is a group of diagrams
  double value = 0;
};

/// Grows by a record a call, which is on its way to the disk when the call returns: TensorBoard follows a run
/// while it goes on. A record is the length of its bytes, 64 bits, with a checksum, the bytes, and theirs.
class EventFile {
 public:
  /// A new file in `folder`, whose name has the time, the machine's name and the process: a run that is
  /// continued has one more. What older files of the folder have of `first_step` and later is void.
  void Open(const std::string& folder, int64_t first_step);

  /// Values that are not finite are left out.
  void Append(int64_t step, const std::vector<EventScalar>& scalars);

 private:
  /// One event: its time, its step, and what else it has.
  void Write(int64_t step, const std::string& fields);

  std::string path_;
  std::ofstream file_;
};

}  // namespace swath
