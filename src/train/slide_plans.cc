#include "train/slide_plans.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "swath/model.h"

namespace swath {

SlidePlans::SlidePlans(const Dataset& dataset, const Graph& graph, const TrainOptions& options,
                       const Objective& objective, int64_t optimizer_bytes)
    : dataset_(dataset),
      graph_(graph),
      options_(options),
      objective_(objective),
      optimizer_bytes_(optimizer_bytes) {}

void SlidePlans::Make(TrainSummary* summary) {
  if (options_.memory > 0) summary->process_bytes = ProcessBytes(graph_.parameter_bytes() + optimizer_bytes_);
  std::vector<View> views;
  for (const DatasetEntry* entry : dataset_.Of(Split::kTrain)) {
    if (entry->grey && options_.augment.stain > 0) {
      AtEntry(dataset_, *entry, [] {
        Fail(ErrorCode::kUsage, "stains can be changed of slides in colour only, this one is grey");
      });
    }
    views.push_back({options_.sample_region ? AnyRegion(*entry) : *entry});
    if (options_.augment.transpose) views.push_back({views.back().entry, {.transpose = true}});
  }
  const auto check = [&](const View& view) {
    CheckSize(view);
    FitSize(view, summary->process_bytes);
    summary->one_size =
        summary->one_size && view.width() == views.front().width() && view.height() == views.front().height();
  };
  std::for_each(views.begin(), views.end(), check);
  for (const DatasetEntry* entry : dataset_.Of(Split::kValidation)) check({*entry});
  // Memory grows with the width, hardly with the height; and transposing has buffers of its own.
  for (const bool transpose : {false, true}) {
    const View* widest = nullptr;
    for (const View& view : views) {
      if (view.orientation.transpose != transpose) continue;
      if (widest == nullptr ||
          std::pair(widest->width(), widest->height()) < std::pair(view.width(), view.height()))
        widest = &view;
    }
    if (widest != nullptr) AddPlan(*widest, summary);
  }
}

PlanOptions SlidePlans::OptionsFor(const SlideSample& sample) const {
  return ForParts(fits_.at({sample.image->width(), sample.image->height()}), options_.plan.strips,
                  sample.labelled);
}

int64_t SlidePlans::Bytes(const Plan& plan, const SlideSample& sample) const {
  // The mean of several slides' gradients is one more.
  const int64_t copies = options_.accumulate > 1 ? 1 : 0;
  const int64_t gradients = copies * graph_.trainable_size() * static_cast<int64_t>(sizeof(double));
  return StepBytes(plan, sample.sample()) + gradients + optimizer_bytes_;
}

/// That the network takes an image of this size.
void SlidePlans::CheckSize(const View& view) const {
  AtEntry(dataset_, view.entry, [&] {
    const int64_t width = ExtendedSize(graph_, view.width()), height = ExtendedSize(graph_, view.height());
    try {
      if (objective_.pixels) {
        CheckPixelLogits(graph_, width, height);
      } else {
        InferShapes(graph_, width, height);
      }
    } catch (const Error& e) {
      if (!view.orientation.transpose) throw;
      Fail(e.code(), "transposed, {}x{}: {}", view.width(), view.height(), e.what());
    }
  });
}

/// Chooses how slides of this size are computed.
void SlidePlans::FitSize(const View& view, int64_t process) {
  const int64_t width = ExtendedSize(graph_, view.width()), height = ExtendedSize(graph_, view.height());
  const auto [place, is_new] = fits_.try_emplace({width, height}, options_.plan);
  PlanOptions& known = place->second;
  if (options_.memory == 0) return;
  const SlideSample sample = OpenAny(view);
  const MemoryLimit limit{.bytes = options_.memory,
                          .total = [&](const Plan& plan) { return process + Bytes(plan, sample); }};
  // Of slides of one size, the readers of some may hold more than those of others.
  if (!is_new && limit.total(MakePlan(graph_, objective_, width, height, known)) <= limit.bytes) return;
  AtEntry(dataset_, view.entry,
          [&] { known = FitPlan(graph_, objective_, width, height, options_.plan, limit).options; });
}

/// A region as large as those that will be drawn, and like most of them not where blocks of the file begin.
DatasetEntry SlidePlans::AnyRegion(const DatasetEntry& entry) const {
  const int64_t width = std::min(options_.sample_region->width, entry.width()),
                height = std::min(options_.sample_region->height, entry.height());
  const int64_t x = std::min<int64_t>(1, entry.width() - width),
                y = std::min<int64_t>(1, entry.height() - height);
  return AtEntry(dataset_, entry, [&] { return PartOf(dataset_, entry, {x, y, width, height}); });
}

/// With all that may be drawn: what changes rows hides blocks of the file from who reads ahead.
SlideSample SlidePlans::OpenAny(const View& view) const {
  Augmentation augmentation = DrawAugmentation(options_.augment, options_.seed, 0);
  augmentation.orientation = {.transpose = view.orientation.transpose,
                              .mirror_columns = options_.augment.flip,
                              .mirror_rows = options_.augment.flip};
  return OpenSample(dataset_, view.entry, graph_, static_cast<uint8_t>(options_.loss.ignore_label),
                    augmentation);
}

/// To what the summary has: the plan of the wider of the two, and the greater of their bytes.
void SlidePlans::AddPlan(const View& view, TrainSummary* summary) const {
  const SlideSample sample = OpenAny(view);
  const Plan plan =
      MakePlan(graph_, objective_, sample.image->width(), sample.image->height(), OptionsFor(sample));
  if (plan.width > summary->plan.width) summary->plan = plan;
  summary->plan_bytes = std::max(summary->plan_bytes, Bytes(plan, sample));
}

}  // namespace swath
