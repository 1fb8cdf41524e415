#include "tools/train_progress.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdio>

#include "base/process_memory.h"
#include "base/seconds_since.h"
#include "tools/options.h"
#include "tools/plan_report.h"

namespace swath::tools {

void TrainProgress::OnStart(const TrainSummary& summary) {
  const Plan& plan = summary.plan;
  fmt::print("{}: {} trainable parameters{}\n", summary.model, summary.parameters,
             summary.frozen > 0 ? fmt::format(", {} frozen", summary.frozen) : "");
  fmt::print("  slides      {} to train on, {} to validate\n", summary.training_slides,
             summary.validation_slides);
  fmt::print("  image       {} x {} px, extension included{}\n", plan.width, plan.height,
             summary.one_size ? "" : " (the widest of several sizes)");
  if (summary.mpp) {
    fmt::print("  pixel size  {:.4g} um, which the model keeps\n", *summary.mpp);
  } else {
    fmt::print("  pixel size  not known, or not the same of all slides: the model keeps none\n");
  }
  fmt::print("  step        {}, {}\n", Plural(plan.sweeps, "sweep"), Division(plan));
  fmt::print("  memory      {} planned", Bytes(summary.process_bytes + summary.plan_bytes));
  if (summary.process_bytes > 0) fmt::print(" for the whole process");
  fmt::print("\n");
  if (!summary.label_shares.empty())
    fmt::print("  labels      {:.4f} of the pixels\n", fmt::join(summary.label_shares, ", "));
  for (size_t c = 0; c < summary.label_shares.size(); ++c) {
    if (summary.label_shares[c] == 0) fmt::print("  warning     no pixel to train on has the label {}\n", c);
  }
  for (const std::string& slide : summary.known_slides)
    fmt::print("  warning     {} is trained on and validated on, the score says nothing of other slides\n",
               slide);
  if (summary.first_step > 0) fmt::print("  continued   after step {} of {}\n", summary.first_step, steps_);
  std::fflush(stdout);
  first_step_ = summary.first_step;
  started_ = Clock::now();
}

void TrainProgress::OnRows(int64_t step, bool validation, double part) {
  const double percent = 100 * part;
  line_.Show(validation ? Line(fmt::format("step {}/{}  validating, {:.0f} %", step, steps_, percent),
                               static_cast<double>(step))
                        : Line(fmt::format("step {}/{}  {:.0f} %", step, steps_, percent),
                               static_cast<double>(step - 1) + part));
}

void TrainProgress::OnStep(const StepRecord& record) {
  last_ = record;
  seen_step_ = true;
  const std::string line =
      Line(fmt::format("step {}/{}", record.step, steps_), static_cast<double>(record.step));
  if (record.step == steps_) {
    line_.Keep(line);
  } else {
    line_.Show(line);
  }
}

std::string TrainProgress::Line(const std::string& what, double steps_done) const {
  std::string line = what;
  if (seen_step_) {
    line += fmt::format("  loss {:.4f}", last_.loss);
    if (last_.dice) line += fmt::format("  Dice {:.4f}", *last_.dice);
    line += fmt::format("  {:.1f} Mpx/s", last_.megapixels_per_second);
  }
  const double done = steps_done - static_cast<double>(first_step_);
  if (done > 0) {
    const double seconds = SecondsSince(started_);
    line += fmt::format("  {} left", Duration(seconds / done * (static_cast<double>(steps_) - steps_done)));
  }
  return line + fmt::format("  {}", Bytes(PeakResidentBytes()));
}

void TrainProgress::OnValidation(const ValidationRecord& record) {
  const std::string name = record.score.name == "dice"  ? "Dice"
                           : record.score.name == "auc" ? "AUC"
                                                        : record.score.name;
  const double value = record.score.value;
  line_.Keep(fmt::format("step {}/{}  validation loss {:.4f}  {} {}{}", record.step, steps_, record.loss,
                         name, std::isnan(value) ? "undefined: one class only" : fmt::format("{:.4f}", value),
                         record.best ? "  best so far" : ""));
}

}  // namespace swath::tools
