#include "tools/progress_line.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/seconds_since.h"

namespace swath::tools {
namespace {

constexpr double kSecondsOnTerminal = 0.2;
constexpr double kSecondsElsewhere = 5;

}  // namespace

StatusLine::StatusLine() : terminal_(isatty(STDERR_FILENO) != 0) {}

void StatusLine::Show(const std::string& text) {
  if (SecondsSince(shown_) < (terminal_ ? kSecondsOnTerminal : kSecondsElsewhere)) return;
  Print(text, terminal_ ? "" : "\n");
  length_ = terminal_ ? text.size() : 0;
}

void StatusLine::Keep(const std::string& text) {
  Print(text, "\n");
  length_ = 0;
}

void StatusLine::Clear() {
  if (length_ > 0) Print("", "\r");
  length_ = 0;
}

void StatusLine::Print(const std::string& text, const char* end) {
  fmt::print(stderr, "{}{:<{}}{}", length_ > 0 ? "\r" : "", text, length_, end);
  std::fflush(stderr);
  shown_ = Clock::now();
}

void PixelProgress::Show(int64_t done, int64_t total) {
  const double part = static_cast<double>(done) / static_cast<double>(total);
  const double seconds = SecondsSince(start_);
  if (part <= 0 || seconds <= 0) return;
  line_.Show(fmt::format("{}: {:.0f} %, {:.0f} Mpx/s, {} left", what_, 100 * part,
                         part * pixels_ * 1e-6 / seconds, Duration(seconds * (1 - part) / part)));
}

}  // namespace swath::tools
