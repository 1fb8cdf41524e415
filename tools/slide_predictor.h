/// One slide through a network, into maps that are written by rows.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/pyramid_writer.h"
#include "tools/predict_task.h"
#include "tools/resources.h"

namespace swath::tools {

enum class ProbabilitySamples { kUint8, kFloat32 };

class SlidePredictor {
 public:
  /// `graph` must outlive it. Throws Error (kUnsupported) for classes whose maps would have one name.
  SlidePredictor(const Graph& graph, ProbabilitySamples samples);

  /// How a task is best computed. Throws Error where the slide cannot be opened or the network has no logit
  /// for each of its pixels; and as FitPlan does.
  Resources::Fitted Fit(const PredictTask& task, const Resources& resources) const;

  /// FOLDER/NAME_mask.tif, NAME_probability_CLASS.tif for every class but the first, and NAME_overlay.png.
  std::vector<std::string> Files(const PredictTask& task, const std::string& folder) const;

  /// Writes them, computed in the way that Fit chose. Each appears when it is complete, the overlay last.
  /// Returns where the engine's time went.
  Profile Run(const PredictTask& task, const PlanOptions& options, const std::string& folder,
              const Progress& progress) const;

 private:
  int64_t classes() const { return std::max<int64_t>(2, logits_); }
  std::string MapName(int64_t c) const;
  PyramidPixels probability_pixels() const;
  void ToBytes(const std::string& slide, const float* const* logits, int64_t width, uint8_t* bytes) const;

  const Graph& graph_;
  std::vector<std::string> classes_;
  int64_t logits_;
  int64_t probability_bytes_;
};

}  // namespace swath::tools
