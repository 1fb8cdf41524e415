#include "viewer/annotation_layer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <unordered_set>
#include <utility>

#include "base/json_text.h"
#include "swath/class_colour.h"

namespace swath::viewer {
namespace {

/// Smaller areas, in pixels of the screen, have no shape to be seen.
constexpr double kLeastShape = 3;
/// Pixels of the screen that a point may be away from the last one to be left out.
constexpr double kDetail = 0.75;

/// On which sides of the box a point is: two points that share one have nothing of the box between them.
unsigned Sides(const Point& p, const Box& box) {
  return unsigned{p.x < box.least.x} | unsigned{p.x > box.most.x} << 1 | unsigned{p.y < box.least.y} << 2 |
         unsigned{p.y > box.most.y} << 3;
}

/// The ring's points that can be seen, or that those need to lie right.
void AppendRing(const Ring& ring, const View& view, std::string* json) {
  const double detail = kDetail * view.pixel;
  const int decimals = std::clamp(static_cast<int>(std::ceil(1 - std::log10(view.pixel))), 0, 3);
  json->push_back('[');
  const Point* last = nullptr;
  for (size_t i = 0; i < ring.size(); ++i) {
    const Point& p = ring[i];
    if (last != nullptr && i + 1 < ring.size()) {
      if (std::abs(p.x - last->x) < detail && std::abs(p.y - last->y) < detail) continue;
      if ((Sides(*last, view.box) & Sides(p, view.box) & Sides(ring[i + 1], view.box)) != 0) continue;
    }
    fmt::format_to(std::back_inserter(*json), "{}{:.{}f},{:.{}f}", last == nullptr ? "" : ",", p.x, decimals,
                   p.y, decimals);
    last = &p;
  }
  json->push_back(']');
}

double Extent(const Box& box) { return std::max(box.most.x - box.least.x, box.most.y - box.least.y); }

}  // namespace

AnnotationLayer::AnnotationLayer(Annotations annotations) : annotations_(std::move(annotations)) {
  for (const Annotation& area : annotations_.areas) {
    const size_t index = ClassIndex(area);
    ++classes_[index].areas;
    for (const Polygon& polygon : area.polygons) {
      if (!polygon.outer.empty()) shapes_.push_back({&area, &polygon, BoxAround(polygon.outer), index});
    }
  }
}

size_t AnnotationLayer::ClassIndex(const Annotation& area) {
  const auto known = std::find_if(classes_.begin(), classes_.end(),
                                  [&](const Class& c) { return c.name == area.class_name; });
  if (known != classes_.end()) return static_cast<size_t>(known - classes_.begin());
  const auto label = static_cast<uint8_t>(classes_.size() % 255 + 1);
  classes_.push_back({area.class_name, area.colour.value_or(ClassColour(label)), 0});
  return classes_.size() - 1;
}

int64_t AnnotationLayer::without_area() const {
  return std::accumulate(annotations_.without_area.begin(), annotations_.without_area.end(), int64_t{0},
                         [](int64_t sum, const auto& kind) { return sum + kind.second; });
}

std::string AnnotationLayer::Seen(const View& view) const {
  std::string json = "{\"areas\":[";
  std::vector<std::string> dots(classes_.size());
  std::vector<std::unordered_set<int64_t>> taken(classes_.size());
  bool first = true;
  for (const Shape& shape : shapes_) {
    if (!Meet(shape.box, view.box)) continue;
    if (Extent(shape.box) < kLeastShape * view.pixel) {
      const double x = (shape.box.least.x + shape.box.most.x) / 2,
                   y = (shape.box.least.y + shape.box.most.y) / 2;
      const auto column = static_cast<int64_t>(std::floor((x - view.box.least.x) / view.pixel)),
                 row = static_cast<int64_t>(std::floor((y - view.box.least.y) / view.pixel));
      if (!taken[shape.class_index].insert(row << 32 | (column & 0xffffffff)).second) continue;
      std::string& of_class = dots[shape.class_index];
      fmt::format_to(std::back_inserter(of_class), "{}{:.0f},{:.0f}", of_class.empty() ? "" : ",", x, y);
      continue;
    }
    fmt::format_to(std::back_inserter(json), "{}[{},{},", first ? "" : ",", shape.class_index,
                   JsonText(nlohmann::json(shape.area->name)));
    first = false;
    AppendRing(shape.polygon->outer, view, &json);
    for (const Ring& hole : shape.polygon->holes) {
      if (hole.empty() || Extent(BoxAround(hole)) < kLeastShape * view.pixel) continue;
      json.push_back(',');
      AppendRing(hole, view, &json);
    }
    json.push_back(']');
  }
  json += "],\"dots\":[";
  for (size_t c = 0; c < dots.size(); ++c) json += (c > 0 ? ",[" : "[") + dots[c] + "]";
  return json + "]}";
}

}  // namespace swath::viewer
