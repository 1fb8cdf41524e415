/// Aperio ImageScope's XML: layers (Annotation) of regions, with vertices in level-0 pixels.
#include <cmath>
#include <limits>
#include <utility>

#include "annotation/readers.h"
#include "base/xml_file.h"

namespace swath {
namespace {

enum RegionType { kFreehand, kRectangle, kEllipse, kLine };

class ImageScopeReader final : public XmlHandler {
 public:
  explicit ImageScopeReader(Annotations* read) : read_(read) {}

  void Begin(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "Annotation") {
      layer_ = {};
      holes_.clear();
      layer_name_ = attributes.Text("Name");
      layer_id_ = attributes.Text("Id");
      colour_.reset();
      if (const auto colour = attributes.Get("LineColor")) colour_ = Colour(*colour);
    } else if (element == "Attribute" && layer_name_.empty() && layer_.empty()) {
      // What a layer is, where its name does not say it. "Description" is what ImageScope calls the attribute
      // until somebody does.
      const std::string name = attributes.Text("Name"), value = attributes.Text("Value");
      layer_name_ = name != "Description" ? name : value;
    } else if (element == "Region") {
      type_ = attributes.Get("Type") ? TypeOf(attributes.Number("Type")) : kFreehand;
      negative_ = attributes.Text("NegativeROA") == "1";
      name_ = attributes.Text("Text");
      ring_.clear();
    } else if (element == "Vertex") {
      ring_.push_back({attributes.Number("X"), attributes.Number("Y")});
    }
  }

  void End(std::string_view element, std::string_view) override {
    if (element == "Region") AddRegion();
    if (element == "Annotation") AddLayer();
  }

 private:
  /// Other numbers are those of lines.
  static RegionType TypeOf(double number) {
    return number == 0 ? kFreehand : number == 1 ? kRectangle : number == 2 ? kEllipse : kLine;
  }

  /// 0x00BBGGRR, as a decimal number.
  static std::optional<std::array<uint8_t, 3>> Colour(std::string_view text) {
    const double number = XmlNumber("LineColor", text);
    if (std::abs(number) > std::numeric_limits<uint32_t>::max()) return std::nullopt;
    const auto bits = static_cast<int64_t>(number);
    return std::array{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8),
                      static_cast<uint8_t>(bits >> 16)};
  }

  void AddRegion() {
    if (type_ == kLine) {
      ++read_->without_area["line"];
      return;
    }
    if (ring_.size() >= 2 && (type_ == kEllipse || (type_ == kRectangle && ring_.size() == 2)))
      ring_ = FromBox();
    if (negative_) {
      Ring hole = Cleaned(std::move(ring_));
      if (!hole.empty()) holes_.push_back(std::move(hole));
      return;
    }
    Annotation area{.class_name = {}, .name = name_, .colour = colour_};
    AddPolygon(std::move(ring_), &area);
    layer_.push_back(std::move(area));
  }

  /// An ellipse is given by the corners of the box around it, a rectangle sometimes, too.
  Ring FromBox() const {
    const auto [least, most] = BoxAround(ring_);
    if (type_ == kRectangle) return {least, {most.x, least.y}, most, {least.x, most.y}};
    return EllipseRing({(least.x + most.x) / 2, (least.y + most.y) / 2}, (most.x - least.x) / 2,
                       (most.y - least.y) / 2);
  }

  void AddLayer() {
    std::vector<Box> boxes;
    for (const Ring& hole : holes_) boxes.push_back(BoxAround(hole));
    for (Annotation& area : layer_) {
      area.class_name = layer_name_.empty() ? "layer " + layer_id_ : layer_name_;
      for (Polygon& polygon : area.polygons) {
        const Box box = BoxAround(polygon.outer);
        for (size_t i = 0; i < holes_.size(); ++i) {
          if (Meet(box, boxes[i])) polygon.holes.push_back(holes_[i]);
        }
      }
      AddArea(std::move(area), read_);
    }
    if (layer_.empty() && !holes_.empty())
      read_->without_area["negative region"] += static_cast<int64_t>(holes_.size());
    layer_.clear();
  }

  Annotations* read_;
  std::vector<Annotation> layer_;
  std::vector<Ring> holes_;  ///< of the layer's areas
  std::string layer_name_, layer_id_;
  std::optional<std::array<uint8_t, 3>> colour_;
  Ring ring_;
  RegionType type_ = kFreehand;
  bool negative_ = false;
  std::string name_;
};

}  // namespace

Annotations ReadImageScope(const std::string& path) {
  Annotations read{.path = path, .format = "ImageScope XML", .areas = {}, .without_area = {}};
  ImageScopeReader reader(&read);
  ReadXml(path, &reader);
  return read;
}

}  // namespace swath
