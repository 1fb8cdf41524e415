#include "viewer/class_names.h"

#include <expat.h>
#include <tiffio.h>

#include <cstring>
#include <map>
#include <memory>

#include "slide/detect.h"
#include "slide/tiff_file.h"

namespace swath::viewer {
namespace {

/// The map of labels, while the XML is walked over; what else there is does not matter.
struct Labels {
  bool inside = false;  ///< the annotation
  bool named = false;   ///< inside an entry
  std::string key, text;
  std::map<std::string, std::string> names;
};

void OnBegin(void* user, const char* element, const char** attributes) {
  auto* labels = static_cast<Labels*>(user);
  const auto value_of = [&](const char* name) {
    for (const char** pair = attributes; *pair != nullptr; pair += 2) {
      if (std::strcmp(pair[0], name) == 0) return std::string(pair[1]);
    }
    return std::string();
  };
  if (std::strcmp(element, "MapAnnotation") == 0) labels->inside = value_of("Namespace") == "swath/labels";
  labels->named = labels->inside && std::strcmp(element, "M") == 0;
  if (labels->named) labels->key = value_of("K");
  labels->text.clear();
}

void OnText(void* user, const char* text, int length) {
  static_cast<Labels*>(user)->text.append(text, static_cast<size_t>(length));
}

void OnEnd(void* user, const char*) {
  auto* labels = static_cast<Labels*>(user);
  if (labels->named) labels->names[labels->key] = labels->text;
  labels->named = false;
}

}  // namespace

std::vector<std::string> ClassNames(const std::string& path) {
  if (DetectContainer(path) != Container::kTiff) return {};
  const TiffFile file(path);
  const char* description = nullptr;
  if (TIFFGetField(file.handle(), TIFFTAG_IMAGEDESCRIPTION, &description) != 1) return {};
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(XML_ParserCreate(nullptr),
                                                                            XML_ParserFree);
  Labels labels;
  XML_SetUserData(parser.get(), &labels);
  XML_SetElementHandler(parser.get(), OnBegin, OnEnd);
  XML_SetCharacterDataHandler(parser.get(), OnText);
  // A description may be anything: one that is no XML gives no names.
  if (XML_Parse(parser.get(), description, static_cast<int>(std::strlen(description)), XML_TRUE) !=
      XML_STATUS_OK)
    return {};
  std::vector<std::string> names;
  for (auto name = labels.names.find("0"); name != labels.names.end();
       name = labels.names.find(std::to_string(names.size())))
    names.push_back(name->second);
  return names;
}

}  // namespace swath::viewer
