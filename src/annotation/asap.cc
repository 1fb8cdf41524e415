/// ASAP's XML: annotations with coordinates in level-0 pixels, each part of a group.
#include <algorithm>
#include <utility>

#include "annotation/readers.h"
#include "base/xml_file.h"

namespace swath {
namespace {

class AsapReader final : public XmlHandler {
 public:
  explicit AsapReader(Annotations* read) : read_(read) {}

  void Begin(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "Annotation") {
      area_ = {.class_name = attributes.Text("PartOfGroup"), .name = attributes.Text("Name")};
      if (area_.class_name == "None") area_.class_name.clear();  // ASAP's word for no group
      type_ = attributes.Text("Type");
      area_.colour = ParseHexColour(attributes.Text("Color"));
      points_.clear();
    } else if (element == "Coordinate") {
      points_.push_back({attributes.Number("Order"), {attributes.Number("X"), attributes.Number("Y")}});
    }
  }

  void End(std::string_view element, std::string_view) override {
    if (element != "Annotation") return;
    // ASAP itself fills the polygon of the points of a spline.
    if (type_ != "Polygon" && type_ != "Spline" && type_ != "Rectangle") {
      ++read_->without_area[type_ == "Dot" || type_ == "PointSet" ? "point" : "'" + type_ + "'"];
      return;
    }
    std::stable_sort(points_.begin(), points_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    Ring ring;
    for (const auto& [order, point] : points_) ring.push_back(point);
    AddPolygon(std::move(ring), &area_);
    AddArea(std::move(area_), read_);
  }

 private:
  Annotations* read_;
  Annotation area_;
  std::string type_;
  std::vector<std::pair<double, Point>> points_;  ///< with their order
};

}  // namespace

Annotations ReadAsap(const std::string& path) {
  Annotations read{.path = path, .format = "ASAP XML", .areas = {}, .without_area = {}};
  AsapReader reader(&read);
  ReadXml(path, &reader);
  return read;
}

}  // namespace swath
