#include "slide/ome_xml.h"

#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/xml_file.h"

namespace swath {
namespace {

/// Names are compared without what some writers put in front of them ("ome:Pixels").
std::string_view Local(std::string_view element) {
  const size_t colon = element.find(':');
  return colon == std::string_view::npos ? element : element.substr(colon + 1);
}

/// PhysicalSizeX or -Y; a unit that is no length says nothing.
std::optional<double> Micrometres(const XmlAttributes& attributes, const std::string& axis) {
  if (!attributes.Get("PhysicalSize" + axis)) return std::nullopt;
  const double size = attributes.Number("PhysicalSize" + axis);
  static constexpr std::array<std::pair<std::string_view, double>, 7> kUnits{
      {{"\u00b5m", 1}, {"\u03bcm", 1}, {"um", 1}, {"nm", 1e-3}, {"mm", 1e3}, {"cm", 1e4}, {"m", 1e6}}};
  const std::string_view unit = attributes.Get("PhysicalSize" + axis + "Unit").value_or("um");
  for (const auto& [name, factor] : kUnits) {
    if (name == unit && size > 0) return size * factor;
  }
  return std::nullopt;
}

class OmeHandler final : public XmlHandler {
 public:
  void Begin(std::string_view element, const XmlAttributes& attributes) override {
    const std::string_view name = Local(element);
    if (name == "BinaryOnly") companion_ = attributes.Text("MetadataFile");
    if (name == "Image") ++images_;
    if (images_ != 1) return;
    if (name == "Pixels") {
      image_.mpp_x = Micrometres(attributes, "X");
      image_.mpp_y = Micrometres(attributes, "Y");
      planes_ = attributes.Number("SizeZ");
      times_ = attributes.Number("SizeT");
    }
    if (name == "Channel") ++channels_;
    if (name == "UUID" && attributes.Get("FileName")) files_.insert(attributes.Text("FileName"));
  }
  void End(std::string_view, std::string_view) override {}

  OmeContents Result() {
    if (!companion_.empty()) {
      image_.refusal = fmt::format("one file of an OME-TIFF in several, which {} describes", companion_);
    } else if (files_.size() > 1) {
      image_.refusal = fmt::format("an OME-TIFF in {} files ({}, {}{})", files_.size(), *files_.begin(),
                                   *std::next(files_.begin()), files_.size() > 2 ? ", \u2026" : "");
    } else if (planes_ > 1 || times_ > 1 || channels_ > 1) {
      image_.refusal =
          fmt::format("an OME-TIFF of {} focal planes, {} time points, {} channels (one of each)", planes_,
                      times_, channels_);
    }
    return image_;
  }

 private:
  OmeContents image_;
  std::string companion_;
  std::set<std::string> files_;
  int64_t images_ = 0;
  int64_t channels_ = 0;  ///< an RGB image has one of three samples
  double planes_ = 1;
  double times_ = 1;
};

}  // namespace

std::optional<OmeContents> ReadOmeXml(const std::string& path, std::string_view description) {
  const std::string_view head = description.substr(0, 4096);
  if (!head.starts_with('<') ||
      (head.find("<OME") == std::string_view::npos && head.find("<ome:OME") == std::string_view::npos)) {
    return std::nullopt;
  }
  OmeHandler handler;
  ReadXmlText(path, description, &handler);
  return handler.Result();
}

}  // namespace swath
