#include "tools/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace swath::tools {

ProgressLine::ProgressLine(std::string what) : what_(std::move(what)), terminal_(isatty(2) != 0) {}

void ProgressLine::Show(int64_t done, int64_t total) {
  const Clock::time_point now = Clock::now();
  if (done == 0 || std::chrono::duration<double>(now - last_).count() < (terminal_ ? 0.2 : 5.0)) return;
  last_ = now;
  shown_ = true;
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const std::string line =
      fmt::format("{}: {:.0f} %, {:.0f} s left", what_, 100 * part, seconds * (1 - part) / part);
  if (terminal_) {
    std::fprintf(stderr, "\r%-78s", line.c_str());
    std::fflush(stderr);
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void ProgressLine::Done() {
  if (terminal_ && shown_) std::fprintf(stderr, "\r%-78s\r", "");
}

}  // namespace swath::tools
