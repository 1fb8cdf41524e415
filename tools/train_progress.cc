#include "tools/train_progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/process_memory.h"
#include "tools/options.h"

namespace swath::tools {
namespace {

constexpr double kSecondsOnTerminal = 0.2;
constexpr double kSecondsElsewhere = 5;

std::string Duration(double seconds) {
  const int64_t s = static_cast<int64_t>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

std::string Plural(int64_t count, const char* thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

}  // namespace

void TrainProgress::OnStart(const TrainSummary& summary) {
  const Plan& plan = summary.plan;
  fmt::print("{}: {} trainable parameters\n", summary.model, summary.parameters);
  fmt::print("  slides      {} to train on, {} to validate\n", summary.training_slides,
             summary.validation_slides);
  fmt::print("  image       {} x {} px, extension included{}\n", plan.width, plan.height,
             summary.one_size ? "" : " (the widest of several sizes)");
  fmt::print("  step        {}, {}, {} at once\n", Plural(plan.sweeps, "sweep"),
             Plural(plan.options.strips, "strip"), plan.in_flight);
  fmt::print("  memory      {} planned\n", Bytes(summary.plan_bytes));
  fmt::print("  labels      {:.4f} of the pixels\n", fmt::join(summary.label_shares, ", "));
  for (size_t c = 0; c < summary.label_shares.size(); ++c) {
    if (summary.label_shares[c] == 0) fmt::print("  warning     no pixel to train on has the label {}\n", c);
  }
  if (summary.first_step > 0) fmt::print("  continued   after step {} of {}\n", summary.first_step, steps_);
  std::fflush(stdout);
  first_step_ = summary.first_step;
  terminal_ = isatty(2) != 0;
  started_ = shown_ = Clock::now();
}

void TrainProgress::OnRows(int64_t step, bool validation, double part) {
  if (validation) {
    Show(fmt::format("step {}/{}  validating, {:.0f} %", step, steps_, 100 * part), static_cast<double>(step),
         false);
  } else {
    Show(fmt::format("step {}/{}  {:.0f} %", step, steps_, 100 * part), static_cast<double>(step - 1) + part,
         false);
  }
}

void TrainProgress::OnStep(const StepRecord& record) {
  last_ = record;
  seen_step_ = true;
  Show(fmt::format("step {}/{}", record.step, steps_), static_cast<double>(record.step),
       record.step == steps_);
}

void TrainProgress::Show(const std::string& what, double steps_done, bool always) {
  const auto now = Clock::now();
  const double quiet = std::chrono::duration<double>(now - shown_).count();
  if (!always && quiet < (terminal_ ? kSecondsOnTerminal : kSecondsElsewhere)) return;
  shown_ = now;
  std::string line = what;
  if (seen_step_) {
    line += fmt::format("  loss {:.4f}  Dice {:.4f}  {:.1f} Mpx/s", last_.loss, last_.dice,
                        last_.megapixels_per_second);
  }
  const double done = steps_done - static_cast<double>(first_step_);
  if (done > 0) {
    const double seconds = std::chrono::duration<double>(now - started_).count();
    line += fmt::format("  {} left", Duration(seconds / done * (static_cast<double>(steps_) - steps_done)));
  }
  line += fmt::format("  {}", Bytes(PeakResidentBytes()));
  if (terminal_) {
    std::fprintf(stderr, "\r%-*s%s", static_cast<int>(line_length_), line.c_str(), always ? "\n" : "");
    line_length_ = always ? 0 : line.size();
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
}

void TrainProgress::OnValidation(const ValidationRecord& record) {
  const std::string line = fmt::format("step {}/{}  validation loss {:.4f}  Dice {:.4f}{}", record.step,
                                       steps_, record.loss, record.dice, record.best ? "  best so far" : "");
  std::fprintf(stderr, "%s%-*s\n", terminal_ && line_length_ > 0 ? "\r" : "", static_cast<int>(line_length_),
               line.c_str());
  line_length_ = 0;
}

}  // namespace swath::tools
