#include "tools/predict_task.h"

namespace swath::tools {

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

double PixelSize(const std::optional<double>& mpp, int64_t shown, int64_t size) {
  return mpp ? *mpp * static_cast<double>(shown) / static_cast<double>(size) : 0;
}

}  // namespace swath::tools
