#include "swath/slide.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "slide/area_rows.h"
#include "slide/detect.h"
#include "slide/format.h"
#include "slide/level_rows.h"

namespace swath {
namespace {

/// Within this of a level's own pixel size, the level is read as it is.
constexpr double kMppTolerance = 0.01;

/// What to read: a part of a level, and the size to which it is averaged.
struct Plan {
  int level = 0;
  std::optional<double> mpp;  ///< to which it is averaged, where it is
  LevelWindow window;
  int64_t width = 0;
  int64_t height = 0;
};

double LevelMpp(const SlideInfo& info, const SlideLevel& level) {
  return (*info.mpp_x + *info.mpp_y) / 2 * level.downsample;
}

/// The pixel size that is wanted, where one is.
std::optional<double> WantedMpp(const SlideInfo& info, const RowOptions& options) {
  if (options.level || options.mpp || !info.mpp_x || !info.mpp_y) return options.mpp;
  return options.model_mpp;
}

/// The coarsest level that is still as fine as mpp, which is what the user wants or what a model was trained
/// at.
int LevelForMpp(const SlideInfo& info, double mpp, bool of_model) {
  if (!info.mpp_x || !info.mpp_y) {
    Fail(ErrorCode::kInput,
         "{}: {} um a pixel wanted, but the file does not say its pixel size: choose a level", info.path,
         mpp);
  }
  int found = -1;
  for (size_t i = 0; i < info.levels.size(); ++i) {
    if (LevelMpp(info, info.levels[i]) <= mpp * (1 + kMppTolerance)) found = static_cast<int>(i);
  }
  if (found >= 0) return found;
  const double finest = LevelMpp(info, info.levels.front());
  if (of_model && SameMagnification(finest, mpp)) return 0;
  Fail(ErrorCode::kInput, "{}: {} um a pixel wanted{}, the finest level has {:.4g}: choose a level",
       info.path, mpp, of_model ? " (at which the model was trained)" : "", finest);
}

int ChooseLevel(const SlideInfo& info, const RowOptions& options) {
  if (options.level && options.mpp)
    Fail(ErrorCode::kUsage, "{}: both a level and a pixel size wanted", info.path);
  if (const auto mpp = WantedMpp(info, options)) {
    if (!(*mpp > 0) || !std::isfinite(*mpp))
      Fail(ErrorCode::kUsage, "{}: {} um a pixel wanted, expected a size above 0", info.path, *mpp);
    return LevelForMpp(info, *mpp, !options.mpp);
  }
  const int level = options.level.value_or(0);
  if (level < 0 || level >= static_cast<int>(info.levels.size())) {
    Fail(ErrorCode::kUsage, "{}: level {} wanted, the slide has levels 0 to {}", info.path, level,
         info.levels.size() - 1);
  }
  return level;
}

/// Pixels [begin, begin + size) of `whole` level-0 pixels, in a level of `length`: rounded to nearest, not
/// empty.
Range ToLevel(int64_t begin, int64_t size, int64_t whole, int64_t length) {
  const double scale = static_cast<double>(length) / static_cast<double>(whole);
  const auto round = [scale](int64_t v) { return std::llround(static_cast<double>(v) * scale); };
  const int64_t first = std::min<int64_t>(round(begin), length - 1);
  return {first, std::clamp<int64_t>(round(begin + size), first + 1, length)};
}

LevelWindow ChooseWindow(const SlideInfo& info, const SlideLevel& level,
                         const std::optional<Region>& region) {
  const SlideLevel& whole = info.levels.front();
  if (!region) return {{0, level.height}, {0, level.width}};
  if (region->x < 0 || region->y < 0 || region->width < 1 || region->height < 1 ||
      region->width > whole.width || region->height > whole.height ||
      region->x > whole.width - region->width || region->y > whole.height - region->height) {
    Fail(ErrorCode::kInput, "{}: the region {}x{} at ({}, {}) is not inside the slide, {}x{}", info.path,
         region->width, region->height, region->x, region->y, whole.width, whole.height);
  }
  return {ToLevel(region->y, region->height, whole.height, level.height),
          ToLevel(region->x, region->width, whole.width, level.width)};
}

Plan MakePlan(const SlideInfo& info, const RowOptions& options) {
  Plan plan;
  plan.level = ChooseLevel(info, options);
  const SlideLevel& level = info.levels[static_cast<size_t>(plan.level)];
  plan.window = ChooseWindow(info, level, options.region);
  plan.width = plan.window.columns.size();
  plan.height = plan.window.rows.size();
  const auto mpp = WantedMpp(info, options);
  if (!mpp || *mpp <= LevelMpp(info, level) * (1 + kMppTolerance)) return plan;
  plan.mpp = mpp;
  const SlideLevel& whole = info.levels.front();
  const auto shrink = [&](int64_t size, double whole_mpp, int64_t whole_size, int64_t level_size) {
    const double level_mpp = whole_mpp * static_cast<double>(whole_size) / static_cast<double>(level_size);
    return std::clamp<int64_t>(std::llround(static_cast<double>(size) * level_mpp / *mpp), 1, size);
  };
  plan.width = shrink(plan.width, *info.mpp_x, whole.width, level.width);
  plan.height = shrink(plan.height, *info.mpp_y, whole.height, level.height);
  return plan;
}

std::unique_ptr<RowSource> Open(const SlideFormat& format, const SlideInfo& info, const RowOptions& options,
                                Pixels pixels) {
  const Plan plan = MakePlan(info, options);
  std::unique_ptr<RowSource> rows =
      std::make_unique<LevelRows>(info.path, format.OpenLevel(plan.level, pixels), plan.window, pixels);
  if (plan.width == rows->width() && plan.height == rows->height()) return rows;
  const Combine combine = pixels == Pixels::kExistence ? Combine::kAll : Combine::kMean;
  return std::make_unique<AreaRows>(std::move(rows), plan.width, plan.height, combine);
}

}  // namespace

std::shared_ptr<const SlideFormat> OpenFormat(const std::string& path) {
  const Container container = DetectContainer(path);
  if (container == Container::kPng) return OpenPng(path);
  if (container == Container::kDicom) return OpenDicom(path);
  // The face of an MRXS slide is a JPEG, and most vendors' files are TIFFs of their own kind.
  const std::string vendor = OpenSlideVendor(path);
  if (!vendor.empty()) return OpenOpenSlide(path, vendor);
  if (container == Container::kTiff) return OpenTiff(path);
  if (container == Container::kJpeg) return OpenJpeg(path);
  Fail(ErrorCode::kInput,
       "{}: expected a TIFF, DICOM, PNG, JPEG or a format that OpenSlide knows; found none of them", path);
}

bool SamePixelSize(double mpp, double other) {
  return std::max(mpp, other) <= std::min(mpp, other) * (1 + kMppTolerance);
}

bool SameMagnification(double mpp, double other) {
  return std::max(mpp, other) <= std::min(mpp, other) * 1.1;
}

SlideInfo Corrected(SlideInfo info, const SlideOptions& options) {
  if (!options.mpp) return info;
  if (!(*options.mpp > 0) || !std::isfinite(*options.mpp)) {
    Fail(ErrorCode::kUsage, "{}: a pixel of {} um, expected a size above 0", info.path, *options.mpp);
  }
  info.mpp_x = info.mpp_y = options.mpp;
  return info;
}

Slide::Slide(std::shared_ptr<const SlideFormat> format, const SlideOptions& options)
    : format_(std::move(format)), info_(Corrected(format_->info(), options)) {}

std::unique_ptr<Slide> Slide::Open(const std::string& path, const SlideOptions& options) {
  return std::unique_ptr<Slide>(new Slide(OpenFormat(path), options));
}

std::unique_ptr<RowSource> Slide::OpenRows(const RowOptions& options) const {
  return swath::Open(*format_, info_, options, Pixels::kColour);
}

std::optional<double> Slide::PixelSize(const RowOptions& options) const {
  const Plan plan = MakePlan(info_, options);
  if (plan.mpp || !info_.mpp_x || !info_.mpp_y) return plan.mpp;
  return LevelMpp(info_, info_.levels[static_cast<size_t>(plan.level)]);
}

std::unique_ptr<RowSource> Slide::OpenExistence(const RowOptions& options) const {
  if (!format_->may_have_holes()) return nullptr;
  return swath::Open(*format_, info_, options, Pixels::kExistence);
}

Region ParseRegion(const std::string& text) {
  std::array<int64_t, 4> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  bool ok = true;
  for (size_t i = 0; i < numbers.size() && ok; ++i) {
    while (at != end && *at == ' ') ++at;
    const auto [stop, error] = std::from_chars(at, end, numbers[i]);
    at = stop;
    while (at != end && *at == ' ') ++at;
    const bool last = i + 1 == numbers.size();
    ok = error == std::errc() && (last ? at == end : at != end && *at++ == ',');
  }
  const auto [x, y, width, height] = numbers;
  if (!ok || width < 1 || height < 1) {
    Fail(ErrorCode::kInput, "a region is \"x,y,width,height\" in level-0 pixels, found '{}'", text);
  }
  return {x, y, width, height};
}

}  // namespace swath
