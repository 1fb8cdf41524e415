/// One slide through a network, into maps that are written by rows.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/pyramid_writer.h"
#include "tools/predict_task.h"
#include "tools/resources.h"
#include "tools/slide_maps.h"

namespace swath::tools {

class SlidePredictor {
 public:
  /// `graph` must outlive it. The classes of `format` become those of the network. Throws Error
  /// (kUnsupported) for classes whose maps would have one name.
  SlidePredictor(const Graph& graph, MapFormat format);

  /// How a task is best computed. Throws Error where the slide cannot be opened or the network has no logit
  /// for each of its pixels; and as FitPlan does.
  Resources::Fitted Fit(const PredictTask& task, const Resources& resources) const;

  const MapFormat& format() const { return format_; }

  struct Result {
    PyramidOptions map;  ///< size, and size of pixels
    std::vector<ClassFigures> classes;
    std::optional<int64_t> tissue_pixels;  ///< of the map, where the task knows the tissue
    Profile profile;                       ///< where the engine's time went
  };

  /// Writes MapFiles, computed in the way that Fit chose; of tissue alone, where the task knows it. Each
  /// appears when it is complete, the overlay last.
  Result Run(const PredictTask& task, const PlanOptions& options, const std::string& folder,
             const Progress& progress) const;

 private:
  int64_t classes() const { return std::max<int64_t>(2, logits_); }
  /// Of a row of bytes, see ToBytes.
  int64_t BytesPerPixel() const { return 1 + (classes() - 1) * format_.probability_bytes(); }
  void ToBytes(const std::string& slide, const float* const* logits, int64_t width, uint8_t* bytes) const;
  int64_t ClearGlass(const std::vector<uint8_t>& tissue, int64_t pitch, uint8_t* row) const;

  const Graph& graph_;
  MapFormat format_;
  int64_t logits_;
};

}  // namespace swath::tools
