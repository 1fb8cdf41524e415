/// How slides of every size that a run meets are computed, and what that holds.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "swath/dataset.h"
#include "swath/trainer.h"

namespace swath {

class SlidePlans {
 public:
  /// References must outlive it. optimizer_bytes: what the optimiser remembers.
  SlidePlans(const Dataset& dataset, const Graph& graph, const TrainOptions& options,
             const Objective& objective, int64_t optimizer_bytes);

  /// Checks that the network takes every slide, or region that may be drawn, as it may lie; plans each size
  /// under the limit of memory; says so in the summary. Throws Error that names the slide.
  void Make(TrainSummary* summary);

  /// For a sample that this run meets; after Make.
  PlanOptions OptionsFor(const SlideSample& sample) const;

  /// Of a step: engine, readers of the sample, gradients, optimiser.
  int64_t Bytes(const Plan& plan, const SlideSample& sample) const;

 private:
  /// A slide or a part of it, as it may lie.
  struct View {
    DatasetEntry entry;
    Orientation orientation = {};

    int64_t width() const { return orientation.transpose ? entry.height() : entry.width(); }
    int64_t height() const { return orientation.transpose ? entry.width() : entry.height(); }
  };

  void CheckSize(const View& view) const;
  void FitSize(const View& view, int64_t process);
  DatasetEntry AnyRegion(const DatasetEntry& entry) const;
  SlideSample OpenAny(const View& view) const;
  void AddPlan(const View& view, TrainSummary* summary) const;

  const Dataset& dataset_;
  const Graph& graph_;
  const TrainOptions& options_;
  Objective objective_;
  int64_t optimizer_bytes_;
  std::map<std::pair<int64_t, int64_t>, PlanOptions> fits_;  ///< by width and height of an extended slide
};

}  // namespace swath
