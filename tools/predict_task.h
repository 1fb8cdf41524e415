/// One slide that is to be predicted, and what its results need to know of it.
#pragma once

#include <memory>
#include <string>

#include "swath/pyramid_writer.h"
#include "swath/slide.h"
#include "swath/tissue.h"

namespace swath::tools {

struct PredictTask {
  std::string slide;  ///< path
  std::string name;   ///< of its results
  RowOptions rows;
  SlideOptions options = {};  ///< how the slide is opened
  /// Where it is known, outside of it everything is class 0. Null: all of the slide is predicted.
  std::shared_ptr<const TissueMap> tissue = {};
};

/// What the rows show of the slide, in level-0 pixels.
Region Shown(const SlideInfo& info, const RowOptions& rows);

/// The smallest level that still shows the pixels of a picture of that downsample, of the same region.
std::unique_ptr<RowSource> OpenThumbnail(const Slide& slide, const RowOptions& rows,
                                         double wanted_downsample);

/// Where an image of width × height px that the rows give lies on the slide.
ImagePlace PlaceOf(const SlideInfo& info, const RowOptions& rows, int64_t width, int64_t height);

/// An OME-TIFF of width × height px that shows what the rows of the task do: with the size of its pixels.
PyramidOptions MapOptions(const Slide& slide, const PredictTask& task, int64_t width, int64_t height);

}  // namespace swath::tools
