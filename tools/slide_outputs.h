/// What a network with one output a slide says of slides.
#pragma once

#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/loss.h"

namespace swath::tools {

/// Reads outputs as the network was trained to give them: metadata swath.loss, or what the number of outputs
/// suggests.
class SlideOutputs {
 public:
  explicit SlideOutputs(const Graph& graph);

  SlideLossKind kind() const { return kind_; }
  const std::vector<std::string>& classes() const { return classes_; }
  int64_t values() const { return values_; }

  /// What the figures of a slide are called: a probability by class, the positive one only where there are
  /// two with one output, or a value.
  std::vector<std::string> Names() const;
  /// Probabilities, or values as they are. Throws Error (kNumeric), naming `slide`, for outputs that are not
  /// finite.
  std::vector<double> Figures(const std::string& slide, const std::vector<double>& output) const;

  /// Runs the network over an image that is as wide and high as it takes.
  std::vector<double> Predict(const RowSource& image, const PlanOptions& options,
                              const Progress& progress) const;

 private:
  const Graph& graph_;
  SlideLossKind kind_;
  int64_t values_;
  std::vector<std::string> classes_;
};

}  // namespace swath::tools
