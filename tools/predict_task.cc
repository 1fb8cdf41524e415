#include "tools/predict_task.h"

namespace swath::tools {
namespace {

/// Micrometres that a pixel of `size` pixels has where these show `shown` level-0 pixels; 0 where unknown.
double PixelSize(const std::optional<double>& mpp, int64_t shown, int64_t size) {
  return mpp ? *mpp * static_cast<double>(shown) / static_cast<double>(size) : 0;
}

}  // namespace

Region Shown(const SlideInfo& info, const RowOptions& rows) {
  return rows.region.value_or(Region{0, 0, info.levels[0].width, info.levels[0].height});
}

std::unique_ptr<RowSource> OpenThumbnail(const Slide& slide, const RowOptions& rows,
                                         double wanted_downsample) {
  RowOptions options{.level = 0, .region = rows.region};
  for (size_t i = 0; i < slide.info().levels.size(); ++i) {
    if (slide.info().levels[i].downsample <= wanted_downsample) options.level = static_cast<int>(i);
  }
  return slide.OpenRows(options);
}

ImagePlace PlaceOf(const SlideInfo& info, const RowOptions& rows, int64_t width, int64_t height) {
  ImagePlace place = PlaceOfWhole(info.levels.front(), width, height);
  place.region = Shown(info, rows);
  return place;
}

PyramidOptions MapOptions(const Slide& slide, const PredictTask& task, int64_t width, int64_t height) {
  const SlideInfo& info = slide.info();
  const Region shown = Shown(info, task.rows);
  return {.width = width,
          .height = height,
          .levels = PyramidLevels::kSubIfds,
          .mpp_x = PixelSize(info.mpp_x, shown.width, width),
          .mpp_y = PixelSize(info.mpp_y, shown.height, height)};
}

}  // namespace swath::tools
