/// What is written of a slide that a network gives classes of pixels for.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swath/overlay.h"
#include "swath/pyramid_writer.h"
#include "swath/slide.h"
#include "tools/outline_writer.h"
#include "tools/predict_task.h"

namespace swath::tools {

enum class ProbabilitySamples { kUint8, kFloat32 };

/// Which maps there are, and how they are written.
struct MapFormat {
  std::vector<std::string> classes;  ///< two or more
  ProbabilitySamples samples = ProbabilitySamples::kUint8;
  /// Outlines may be so far from the pixels' edges, in pixels of the map; nothing where there are none.
  std::optional<double> simplify = 1;

  int64_t probability_bytes() const { return samples == ProbabilitySamples::kFloat32 ? 4 : 1; }
};

/// FOLDER/NAME_mask.ome.tif, NAME_probability_CLASS.ome.tif for every class but the first, NAME.geojson, and
/// NAME_overlay.png.
std::vector<std::string> MapFiles(const MapFormat& format, const PredictTask& task,
                                  const std::string& folder);

/// Throws Error (kUnsupported) for classes whose maps would have one name.
void CheckMapNames(const MapFormat& format, const std::string& network);

/// What a slide has of a class.
struct ClassFigures {
  int64_t pixels = 0;
  std::optional<double> square_millimetres;  ///< nothing where the size of pixels is not known
  std::optional<int64_t> areas;              ///< of pixels that share edges; not of class 0
  double mean_probability = 0;
};

class SlideMaps {
 public:
  /// `map` is what MapOptions gives for the task. Throws Error (kOutput), here and below.
  SlideMaps(const MapFormat& format, const PredictTask& task, const Slide& slide, const PyramidOptions& map,
            const std::string& folder);

  /// The next row: the classes, and then each map of probabilities, `pitch` samples from one to the next.
  void AddRow(const uint8_t* row, int64_t pitch);
  /// Call once, after the last row. Files appear, the overlay last.
  void Finish();

  /// By class, after Finish().
  std::vector<ClassFigures> Figures() const;

  /// Bytes that are held for a task.
  static int64_t BufferBytes(const MapFormat& format, PyramidOptions map);

 private:
  double SumOf(const uint8_t* samples) const;

  MapFormat format_;
  PredictTask task_;
  const Slide& slide_;
  PyramidOptions options_;
  std::vector<std::string> files_;
  PyramidWriter mask_;
  std::vector<std::unique_ptr<PyramidWriter>> probabilities_;
  std::vector<double> sums_;  ///< of probabilities
  Overlay overlay_;
  std::optional<OutlineWriter> outlines_;
};

}  // namespace swath::tools
