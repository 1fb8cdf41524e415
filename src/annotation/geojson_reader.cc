/// GeoJSON (RFC 7946), with what QuPath puts into properties. Features are turned into areas one by one, as
/// the parser finishes them: only their outlines stay in memory.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "annotation/readers.h"
#include "base/error.h"

namespace swath {
namespace {

using Json = nlohmann::json;

/// The text of a member of an object; empty where it is not there, or no text.
std::string Text(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

const Json& Member(const Json& object, const char* name) {
  const auto member = object.find(name);
  if (member == object.end()) Fail(ErrorCode::kInput, "expected a member '{}', found none", name);
  return *member;
}

const Json& ArrayOf(const Json& value, const char* what) {
  if (!value.is_array()) Fail(ErrorCode::kInput, "expected {}, found {}", what, value.type_name());
  return value;
}

/// [r, g, b] as QuPath writes it today, or the signed 0xAARRGGBB of its first versions.
std::optional<std::array<uint8_t, 3>> Colour(const Json& value) {
  if (value.is_number_integer()) {
    const auto bits = static_cast<uint32_t>(value.get<int64_t>());
    return std::array{static_cast<uint8_t>(bits >> 16), static_cast<uint8_t>(bits >> 8),
                      static_cast<uint8_t>(bits)};
  }
  if (!value.is_array() || value.size() < 3) return std::nullopt;
  std::array<uint8_t, 3> rgb{};
  for (size_t i = 0; i < 3; ++i) {
    if (!value[i].is_number_integer()) return std::nullopt;
    rgb[i] = static_cast<uint8_t>(value[i].get<int64_t>());
  }
  return rgb;
}

/// A class is an object with a name; one of several parts may have their names instead; some write the name
/// alone.
void ReadClassification(const Json& value, Annotation* area) {
  if (value.is_string()) area->class_name = value.get<std::string>();
  if (!value.is_object()) return;
  area->class_name = Text(value, "name");
  const auto names = value.find("names");
  if (area->class_name.empty() && names != value.end() && names->is_array()) {
    for (const Json& name : *names) {
      if (!name.is_string()) continue;
      if (!area->class_name.empty()) area->class_name += ": ";
      area->class_name += name.get<std::string>();
    }
  }
  for (const char* key : {"color", "colorRGB"}) {
    if (!area->colour && value.contains(key)) area->colour = Colour(value[key]);
  }
}

void ReadProperties(const Json& properties, Annotation* area) {
  if (!properties.is_object()) return;
  area->name = Text(properties, "name");
  if (properties.contains("classification")) ReadClassification(properties["classification"], area);
  if (!area->colour && properties.contains("color")) area->colour = Colour(properties["color"]);
  if (area->class_name.empty()) area->class_name = area->name;
}

/// A value in a message: numbers and texts as they are, not what may be nested without end.
std::string Found(const Json& value) {
  if (!value.is_array()) return value.is_object() ? "object" : value.dump();
  std::string text = "[";
  for (size_t i = 0; i < std::min<size_t>(value.size(), 4); ++i) {
    if (i > 0) text += ",";
    text += value[i].is_structured() ? value[i].type_name() : value[i].dump();
  }
  return text + (value.size() > 4 ? ",…]" : "]");
}

Ring ReadRing(const Json& positions) {
  Ring ring;
  ring.reserve(ArrayOf(positions, "a ring of positions").size());
  for (const Json& position : positions) {
    if (ArrayOf(position, "a position").size() < 2 || !position[0].is_number() || !position[1].is_number())
      Fail(ErrorCode::kInput, "expected a position [x, y], found {}", Found(position));
    ring.push_back({position[0].get<double>(), position[1].get<double>()});
  }
  return Cleaned(std::move(ring));
}

void ReadPolygon(const Json& rings, Annotation* area) {
  if (ArrayOf(rings, "the rings of a polygon").empty()) return;
  Polygon polygon{ReadRing(rings[0]), {}};
  if (polygon.outer.empty()) return;
  for (size_t i = 1; i < rings.size(); ++i) {
    Ring hole = ReadRing(rings[i]);
    if (!hole.empty()) polygon.holes.push_back(std::move(hole));
  }
  area->polygons.push_back(std::move(polygon));
}

class GeoJsonReader {
 public:
  explicit GeoJsonReader(const std::string& path) { read_.path = path, read_.format = "GeoJSON"; }

  Annotations Read() {
    std::ifstream file(read_.path, std::ios::binary);
    if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: {}", read_.path, std::strerror(errno));
    const auto take_features = [this](int depth, Json::parse_event_t event, Json& value) {
      // Features are the whole file, elements of an array, or of the array in a collection.
      if (event != Json::parse_event_t::object_end || depth > 2 || Text(value, "type") != "Feature")
        return true;
      AddFeature(value);
      return false;
    };
    Json rest;
    try {
      rest = Json::parse(file, take_features);
    } catch (const Json::exception& e) {  // not JSON, or a number that no double is
      const std::string what = e.what();
      const size_t end_of_id = what.find("] ");
      Fail(ErrorCode::kInput, "{}: not JSON: {}", read_.path,
           end_of_id == std::string::npos ? what : what.substr(end_of_id + 2));
    }
    AddRest(rest);
    return std::move(read_);
  }

 private:
  /// What remains of the file when features have been taken out.
  void AddRest(const Json& rest) {
    if (rest.is_null() && features_ == 1) return;  // it was a feature
    if (rest.is_array() && rest.empty()) return;
    if (rest.is_object()) {
      const std::string type = Text(rest, "type");
      if (type == "FeatureCollection") {
        const auto features = rest.find("features");
        if (features != rest.end() && features->is_array() && features->empty()) return;
        Fail(ErrorCode::kInput, "{}: expected a FeatureCollection of nothing but features, found others",
             read_.path);
      }
      if (!type.empty()) return At("", [&] { AddGeometryAlone(rest); });
    }
    std::string found = rest.type_name();
    if (rest.is_object()) {
      for (const auto& [key, value] : rest.items()) {
        found += found == "object" ? " with " : ", ";
        found += "'" + key.substr(0, 40) + "'";
      }
    }
    Fail(ErrorCode::kUnsupported,
         "{}: JSON, but not GeoJSON: expected a FeatureCollection, features in an array, a Feature or a "
         "geometry, found {}",
         read_.path, found);
  }

  /// Puts the file and the place in it in front of what goes wrong.
  template <class F>
  void At(const std::string& place, F&& read) {
    try {
      read();
    } catch (const Error& e) {
      Fail(e.code(), "{}: {}{}", read_.path, place, e.what());
    }
  }

  void AddFeature(const Json& feature) {
    ++features_;
    At(fmt::format("feature {}: ", features_), [&] {
      Annotation area;
      if (feature.contains("properties")) ReadProperties(feature["properties"], &area);
      const Json& geometry = Member(feature, "geometry");
      if (geometry.is_null()) {
        ++read_.without_area["no geometry"];
      } else if (AddGeometry(geometry, &area)) {
        AddArea(std::move(area), &read_);
      }
    });
  }

  void AddGeometryAlone(const Json& geometry) {
    Annotation area;
    if (AddGeometry(geometry, &area)) AddArea(std::move(area), &read_);
  }

  /// Whether there may be an area; what has none is counted. `part`: of a collection, which holds no others.
  bool AddGeometry(const Json& geometry, Annotation* area, bool part = false) {
    if (!geometry.is_object()) Fail(ErrorCode::kInput, "expected a geometry, found {}", geometry.type_name());
    const std::string type = Text(geometry, "type");
    if (type == "Point" || type == "MultiPoint") {
      ++read_.without_area["point"];
      return false;
    }
    if (type == "LineString" || type == "MultiLineString") {
      ++read_.without_area["line"];
      return false;
    }
    if (type == "Polygon") {
      ReadPolygon(Member(geometry, "coordinates"), area);
      return true;
    }
    if (type == "MultiPolygon") {
      for (const Json& rings : ArrayOf(Member(geometry, "coordinates"), "polygons")) ReadPolygon(rings, area);
      return true;
    }
    if (type == "GeometryCollection" && !part) {
      bool any = false;
      for (const Json& member : ArrayOf(Member(geometry, "geometries"), "geometries"))
        any = AddGeometry(member, area, true) || any;
      return any;
    }
    Fail(ErrorCode::kInput, "expected a geometry of GeoJSON, found {} of type '{}'",
         part ? "in a GeometryCollection one" : "one", type);
  }

  Annotations read_;
  int64_t features_ = 0;
};

}  // namespace

Annotations ReadGeoJson(const std::string& path) { return GeoJsonReader(path).Read(); }

}  // namespace swath
