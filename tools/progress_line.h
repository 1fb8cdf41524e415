/// One line on standard error that shows how far long work has come: rewritten on a terminal, elsewhere
/// printed again every few seconds.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace swath::tools {

class ProgressLine {
 public:
  explicit ProgressLine(std::string what);

  void Show(int64_t done, int64_t total);
  /// Ends the line.
  void Done();

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  bool terminal_;
  bool shown_ = false;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = Clock::now();
};

}  // namespace swath::tools
