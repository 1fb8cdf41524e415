/// How well a network's map of a slide agrees with the mask: what `swath eval` and `swath report` tell.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "report/confusion.h"
#include "swath/dataset.h"
#include "swath/graph.h"
#include "swath/loss.h"
#include "tools/resources.h"

namespace swath::tools {

struct PixelScore {
  std::string slide;
  double loss = 0;                            ///< BCE, or cross-entropy for several logits
  std::vector<Loss::Value::Overlap> overlap;  ///< by class; of two the second alone
  Confusion confusion{2};                     ///< where rows are asked for
  double otsu = 0;  ///< Dice of a threshold on saturation, any class but 0 being tissue

  /// Means over the classes of `overlap`.
  double Dice() const;
  double Iou() const;
};

/// The classes whose mean is the score of a slide: of two the second, of several all.
std::vector<int64_t> JudgedClasses(int64_t classes);

/// A row of the slide as it lies: its labels, and the classes that are predicted; from the top down.
using ClassRow = std::function<void(const uint8_t* labels, const uint8_t* predicted)>;

class PixelEvaluator {
 public:
  /// References must outlive it. `beside`: bytes that the caller holds for each slide.
  PixelEvaluator(const Dataset& dataset, const Graph& graph, uint8_t ignore_label, const Resources& resources,
                 int64_t beside = 0);

  int64_t classes() const { return classes_; }

  /// One sweep over the slide, with progress shown, and one for Otsu's threshold. With `row` the rows of a
  /// prediction wait for their turn, which takes more memory. Throws Error that names file, line and slide:
  /// also kNumeric for a loss that is not finite.
  PixelScore Score(const DatasetEntry& entry, const ClassRow& row = {}) const;

 private:
  double OtsuDice(const DatasetEntry& entry) const;
  Loss::Value Evaluate(const DatasetEntry& entry, const SlideSample& sample) const;
  Loss::Value Predict(const DatasetEntry& entry, const SlideSample& sample, const ClassRow& row,
                      Confusion* confusion) const;

  const Dataset& dataset_;
  const Graph& graph_;
  uint8_t ignore_;
  const Resources& resources_;
  int64_t beside_;
  int64_t logits_;
  int64_t classes_;
  std::unique_ptr<Loss> loss_;
};

}  // namespace swath::tools
