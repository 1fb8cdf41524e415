#include "output/ome_xml.h"

#include <bit>

namespace swath {
namespace {

/// Of an attribute's value or a text. Names may hold anything: what XML cannot becomes a question mark, and
/// what is not ASCII a reference, if it is UTF-8.
std::string Escaped(const std::string& text) {
  std::string escaped;
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const int length = byte < 0x80 ? 1 : std::countl_one(byte);
    uint32_t code = byte < 0x80 ? byte : byte & (0xffu >> (length + 1));
    bool good = byte < 0x80 || (length >= 2 && length <= 4 && i + static_cast<size_t>(length) <= text.size());
    for (int j = 1; good && j < length; ++j) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<size_t>(j)]);
      good = (next & 0xc0) == 0x80;
      code = code << 6 | (next & 0x3f);
    }
    good = good && code >= ' ' && code != 0x7f && (code < 0xd800 || code > 0xdfff) && code < 0xfffe;
    if (!good) {
      escaped += '?';
    } else if (code >= 0x80 || code == '<' || code == '>' || code == '&' || code == '"') {
      escaped += fmt::format("&#{};", code);
    } else {
      escaped += static_cast<char>(code);
    }
    i += static_cast<size_t>(good ? length : 1);
  }
  return escaped;
}

std::string PhysicalSizes(const PyramidOptions& pyramid) {
  if (pyramid.mpp_x <= 0 || pyramid.mpp_y <= 0) return "";
  // Micrometres are the schema's default unit.
  return fmt::format(R"( PhysicalSizeX="{}" PhysicalSizeY="{}")", pyramid.mpp_x, pyramid.mpp_y);
}

/// As the schema has it: red, green, blue and alpha in the bytes of a signed number.
std::string ColourOf(const OmeImage& image) {
  if (!image.colour) return "";
  const auto [red, green, blue] = *image.colour;
  const uint32_t rgba = uint32_t{red} << 24 | uint32_t{green} << 16 | uint32_t{blue} << 8 | 255;
  return fmt::format(R"( Color="{}")", static_cast<int32_t>(rgba));
}

}  // namespace

std::string OmeXml(const PyramidOptions& pyramid, const OmeImage& image) {
  constexpr const char* kSchema = "http://www.openmicroscopy.org/Schemas/OME/2016-06";
  std::string xml = fmt::format(
      R"(<?xml version="1.0" encoding="UTF-8"?><OME xmlns="{0}" )"
      R"(xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{0} {0}/ome.xsd" Creator="Swath">)"
      R"(<Image ID="Image:0" Name="{1}"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{2}" )"
      R"(SizeX="{3}" SizeY="{4}" SizeZ="1" SizeC="1" SizeT="1"{5}>)"
      R"(<Channel ID="Channel:0:0" Name="{6}" SamplesPerPixel="1"{7}/><TiffData IFD="0" PlaneCount="1"/></Pixels>)",
      kSchema, Escaped(image.name), pyramid.pixels == PyramidPixels::kFloat32 ? "float" : "uint8",
      pyramid.width, pyramid.height, PhysicalSizes(pyramid), Escaped(image.channel), ColourOf(image));
  if (image.labels.empty()) return xml + "</Image></OME>";
  xml += R"(<AnnotationRef ID="Annotation:0"/></Image><StructuredAnnotations>)"
         R"(<MapAnnotation ID="Annotation:0" Namespace="swath/labels"><Value>)";
  for (size_t i = 0; i < image.labels.size(); ++i)
    xml += fmt::format(R"(<M K="{}">{}</M>)", i, Escaped(image.labels[i]));
  return xml + "</Value></MapAnnotation></StructuredAnnotations></OME>";
}

}  // namespace swath
