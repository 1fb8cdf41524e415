#include "viewer/overlay_map.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "output/encode_picture.h"
#include "swath/class_colour.h"
#include "swath/heat_map.h"

namespace swath::viewer {
namespace {

using Kind = ResultFile::Kind;
using Colour = std::array<uint8_t, 4>;

/// More labels than this are rather shades of grey.
constexpr size_t kMostClasses = 32;
/// Classes are looked for in a picture of this size.
constexpr int64_t kSampleSide = 4096;

Region CheckedRegion(const ResultFile& file, const SlideInfo& slide, const SlideInfo& map) {
  const SlideLevel& whole = slide.levels.front();
  const Region region = file.region.value_or(Region{0, 0, whole.width, whole.height});
  const SlideLevel& pixels = map.levels.front();
  if (region.x > whole.width - region.width || region.y > whole.height - region.height) {
    Fail(ErrorCode::kInput, "{}: is of the region {}x{} at ({}, {}), the slide is {}x{}", file.path,
         region.width, region.height, region.x, region.y, whole.width, whole.height);
  }
  // Its sides are rounded to whole pixels.
  const double difference = static_cast<double>(pixels.width) * static_cast<double>(region.height) -
                            static_cast<double>(pixels.height) * static_cast<double>(region.width);
  if (std::abs(difference) >
      static_cast<double>(std::max({region.width, region.height, pixels.width, pixels.height}))) {
    Fail(ErrorCode::kInput, "{}: the map is {}x{}, expected the proportions of the {}, {}x{}", file.path,
         pixels.width, pixels.height, file.region ? "region" : "slide", region.width, region.height);
  }
  return region;
}

Reduction ReductionOf(Kind kind) {
  return kind == Kind::kProbability || kind == Kind::kAttention ? Reduction::kMean : Reduction::kNearest;
}

std::vector<uint8_t> LabelsIn(const Picture& picture) {
  std::array<bool, 256> seen{};
  for (const uint8_t label : picture.pixels) seen[label] = true;
  std::vector<uint8_t> labels;
  for (size_t label = 1; label < seen.size(); ++label) {
    if (seen[label]) labels.push_back(static_cast<uint8_t>(label));
  }
  return labels;
}

Colour HeatColour(uint8_t weight) {
  const Heat heat = HeatOf(weight / 255.0);
  const auto byte = [](double v) { return static_cast<uint8_t>(std::lround(v)); };
  return {byte(heat.colour[0]), byte(heat.colour[1]), byte(heat.colour[2]), byte(255 * heat.cover)};
}

}  // namespace

OverlayMap::OverlayMap(const ResultFile& file, const SlideInfo& slide,
                       const std::vector<std::string>& class_names)
    : name_(file.name),
      kind_(file.kind),
      pyramid_(OpenLabelFormat(file.path), Pixels::kLabels, ReductionOf(file.kind)) {
  region_ = CheckedRegion(file, slide, pyramid_.info());
  FindClasses(file.class_name, class_names);
}

void OverlayMap::FindClasses(const std::string& class_name, const std::vector<std::string>& class_names) {
  if (kind_ == Kind::kAttention) return;
  if (kind_ == Kind::kProbability) {
    const auto at = std::find(class_names.begin(), class_names.end(), class_name);
    const auto label = static_cast<uint8_t>(at == class_names.end() ? 1 : at - class_names.begin());
    classes_ = {{label, class_name, ClassColour(label)}};
    return;
  }
  std::vector<uint8_t> labels;
  for (size_t label = 1; label < class_names.size(); ++label) labels.push_back(static_cast<uint8_t>(label));
  for (const uint8_t label : LabelsIn(pyramid_.Thumbnail(kSampleSide))) {
    if (label >= class_names.size()) labels.push_back(label);
  }
  if (kind_ == Kind::kUnknown) kind_ = labels.size() > kMostClasses ? Kind::kAttention : Kind::kLabels;
  if (kind_ != Kind::kLabels) return;
  for (const uint8_t label : labels) {
    classes_.push_back({label,
                        label < class_names.size() ? class_names[label] : fmt::format("label {}", label),
                        ClassColour(label)});
  }
}

std::vector<uint8_t> OverlayMap::Tile(const TileIndex& tile, uint8_t label) const {
  Picture picture = pyramid_.Read(tile);
  std::array<Colour, 256> palette{};
  size_t colours = palette.size();
  if (kind_ == Kind::kLabels) {
    for (uint8_t& pixel : picture.pixels) pixel = pixel == label;
    const auto [red, green, blue] = ClassColour(label);
    palette[1] = {red, green, blue, 255};
    colours = 2;
  } else {
    for (size_t i = 0; i < palette.size(); ++i) {
      const auto shade = static_cast<uint8_t>(i);
      if (kind_ == Kind::kAttention) {
        palette[i] = HeatColour(shade);
      } else {
        const auto& colour = classes_.front().colour;
        palette[i] = {colour[0], colour[1], colour[2], shade};
      }
    }
  }
  return EncodePng(picture.pixels.data(), picture.width, picture.height, {palette.data(), colours});
}

}  // namespace swath::viewer
