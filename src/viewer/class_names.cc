#include "viewer/class_names.h"

#include <tiffio.h>

#include <map>
#include <string_view>

#include "base/xml_file.h"
#include "slide/detect.h"
#include "slide/tiff_file.h"
#include "swath/error.h"

namespace swath::viewer {
namespace {

/// The map of labels; what else the XML has does not matter.
class LabelsHandler final : public XmlHandler {
 public:
  void Begin(std::string_view element, const XmlAttributes& attributes) override {
    if (element == "MapAnnotation") inside_ = attributes.Get("Namespace") == "swath/labels";
    if (element == "M") key_ = attributes.Text("K");
  }
  void End(std::string_view element, std::string_view text) override {
    if (inside_ && element == "M") names[key_] = text;
  }

  std::map<std::string, std::string> names;

 private:
  bool inside_ = false;  ///< the annotation
  std::string key_;
};

}  // namespace

std::vector<std::string> ClassNames(const std::string& path) {
  if (DetectContainer(path) != Container::kTiff) return {};
  const TiffFile file(path);
  const char* description = nullptr;
  if (TIFFGetField(file.handle(), TIFFTAG_IMAGEDESCRIPTION, &description) != 1) return {};
  LabelsHandler labels;
  try {
    ReadXmlText(path, description, &labels);
  } catch (const Error&) {  // a description may be anything: one that is no XML gives no names
    return {};
  }
  std::vector<std::string> names;
  for (auto name = labels.names.find("0"); name != labels.names.end();
       name = labels.names.find(std::to_string(names.size())))
    names.push_back(name->second);
  return names;
}

}  // namespace swath::viewer
