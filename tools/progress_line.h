/// How long work shows itself: one line on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/quantities.h"

namespace swath::tools {

/// A line that is rewritten on a terminal, at most a few times a second; elsewhere it is printed every few
/// seconds.
class StatusLine {
 public:
  StatusLine();

  /// Shows the text unless one was shown a moment ago.
  void Show(const std::string& text);
  /// Shows the text in any case, and leaves it standing.
  void Keep(const std::string& text);
  /// Wipes a line that is not to stay.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;

  void Print(const std::string& text, const char* end);

  bool terminal_;
  size_t length_ = 0;  ///< of what stands on the terminal
  Clock::time_point shown_ = Clock::now();
};

/// Share, rate and time left of work on so many pixels: "slide.svs: 42 %, 111 Mpx/s, 3 s left".
class PixelProgress {
 public:
  PixelProgress(std::string what, double pixels) : what_(std::move(what)), pixels_(pixels) {}
  ~PixelProgress() { line_.Clear(); }
  PixelProgress(const PixelProgress&) = delete;
  PixelProgress& operator=(const PixelProgress&) = delete;

  /// So much is done, of how much, in any unit.
  void Show(int64_t done, int64_t total);

 private:
  using Clock = std::chrono::steady_clock;
  std::string what_;
  double pixels_;
  StatusLine line_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace swath::tools
