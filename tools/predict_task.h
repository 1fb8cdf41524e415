/// One slide that is to be predicted, and what its results need to know of it.
#pragma once

#include <memory>
#include <string>

#include "swath/slide.h"

namespace swath::tools {

struct PredictTask {
  std::string slide;  ///< path
  std::string name;   ///< of its results
  RowOptions rows;
};

/// What the rows show of the slide, in level-0 pixels.
Region Shown(const SlideInfo& info, const RowOptions& rows);

/// The smallest level that still shows the pixels of a picture of that downsample, of the same region.
std::unique_ptr<RowSource> OpenThumbnail(const Slide& slide, const RowOptions& rows,
                                         double wanted_downsample);

/// Micrometres that a pixel of `size` pixels has where these show `shown` level-0 pixels; 0 where unknown.
double PixelSize(const std::optional<double>& mpp, int64_t shown, int64_t size);

}  // namespace swath::tools
