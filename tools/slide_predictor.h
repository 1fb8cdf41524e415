/// One slide through a network, into maps that are written by rows.
#pragma once

#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "tools/predict_task.h"

namespace swath::tools {

enum class ProbabilitySamples { kUint8, kFloat32 };

class SlidePredictor {
 public:
  /// `graph` must outlive it. threads: 0 for one a processor. Throws Error (kUnsupported) for classes whose
  /// maps would have one name.
  SlidePredictor(const Graph& graph, ProbabilitySamples samples, int64_t threads);

  /// The number of pixels that a task predicts. Throws Error where the slide cannot be opened or the network
  /// has no logit for each of them.
  double CheckPixels(const PredictTask& task) const;

  /// FOLDER/NAME_mask.tif, NAME_probability_CLASS.tif for every class but the first, and NAME_overlay.png.
  std::vector<std::string> Files(const PredictTask& task, const std::string& folder) const;

  /// Writes them. Each appears when it is complete, the overlay last.
  void Run(const PredictTask& task, const std::string& folder, const Progress& progress) const;

 private:
  std::string MapName(int64_t c) const;
  void ToBytes(const float* const* logits, int64_t width, uint8_t* bytes) const;

  const Graph& graph_;
  std::vector<std::string> classes_;
  int64_t logits_;
  int64_t probability_bytes_;
  int64_t threads_;
};

}  // namespace swath::tools
