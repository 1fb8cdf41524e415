/// Hamamatsu's NDPA: view states with an annotation each, in nanometres from the centre of the slide.
#include <optional>
#include <utility>

#include "annotation/readers.h"
#include "base/error.h"
#include "base/xml_file.h"

namespace swath {
namespace {

/// From nanometres to level-0 pixels. The centre of the image is somewhere else than that of the slide.
class NdpaPlace {
 public:
  NdpaPlace(const std::string& path, const SlideInfo* slide) {
    if (!slide) {
      Fail(ErrorCode::kUnsupported,
           "{}: coordinates in nanometres from the centre of the slide: the slide has to be given, too",
           path);
    }
    if (!slide->mpp_x || !slide->mpp_y || !slide->centre_offset) {
      Fail(ErrorCode::kUnsupported,
           "{}: coordinates in nanometres from the centre of the slide: {} does not say how large its pixels "
           "are and where its centre is, as an NDPI file does",
           path, slide->path);
    }
    nanometres_ = {*slide->mpp_x * 1000, *slide->mpp_y * 1000};
    offset_ = {(*slide->centre_offset)[0], (*slide->centre_offset)[1]};
    centre_ = {static_cast<double>(slide->levels.front().width) / 2,
               static_cast<double>(slide->levels.front().height) / 2};
  }
  Point ToPixels(Point p) const {
    return {(p.x - offset_.x) / nanometres_.x + centre_.x, (p.y - offset_.y) / nanometres_.y + centre_.y};
  }
  Point nanometres() const { return nanometres_; }

 private:
  Point nanometres_;  ///< per pixel
  Point offset_;      ///< of the image's centre from the slide's
  Point centre_;      ///< of the image
};

class NdpaReader final : public XmlHandler {
 public:
  NdpaReader(const NdpaPlace& place, Annotations* read) : place_(place), read_(read) {}

  void Begin(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "ndpviewstate") {
      area_ = {};
    } else if (element == "annotation") {
      type_ = attributes.Text("type");
      area_.colour = ParseHexColour(attributes.Text("color"));
      closed_ = false;
      in_annotation_ = true;
      at_ = {};
      radius_ = 0;
      ring_.clear();
    }
  }

  void End(std::string_view element, std::string_view text) override {
    if (element == "title") area_.class_name = text;
    if (element == "ndpviewstate" && !area_.polygons.empty()) AddArea(std::move(area_), read_);
    if (!in_annotation_) return;
    if (element == "x") at_.x = XmlNumber("x", text);
    if (element == "y") at_.y = XmlNumber("y", text);
    if (element == "radius") radius_ = XmlNumber("radius", text);
    if (element == "closed") closed_ = text == "1";
    if (element == "point") ring_.push_back(place_.ToPixels(at_));
    if (element == "annotation") {
      in_annotation_ = false;
      EndAnnotation();
    }
  }

 private:
  void EndAnnotation() {
    Ring ring;
    if (type_ == "freehand" && closed_) {
      ring = Cleaned(std::move(ring_));
      if (ring.empty()) ++read_->without_area["empty outline"];
    } else if (type_ == "circle") {
      ring =
          EllipseRing(place_.ToPixels(at_), radius_ / place_.nanometres().x, radius_ / place_.nanometres().y);
    } else if (type_ == "freehand" || type_ == "linearmeasure") {
      ++read_->without_area["line"];
    } else if (type_ == "pin" || type_ == "pointer") {
      ++read_->without_area["point"];
    } else {
      ++read_->without_area["'" + type_ + "'"];
    }
    if (!ring.empty()) area_.polygons.push_back({std::move(ring), {}});
  }

  const NdpaPlace& place_;
  Annotations* read_;
  Annotation area_;
  std::string type_;
  bool in_annotation_ = false, closed_ = false;
  Point at_;
  double radius_ = 0;
  Ring ring_;
};

}  // namespace

Annotations ReadNdpa(const std::string& path, const SlideInfo* slide) {
  const NdpaPlace place(path, slide);
  Annotations read{.path = path, .format = "NDPA", .areas = {}, .without_area = {}};
  NdpaReader reader(place, &read);
  ReadXml(path, &reader);
  return read;
}

}  // namespace swath
