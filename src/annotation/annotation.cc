#include "swath/annotation.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <set>
#include <utility>

#include "annotation/readers.h"
#include "annotation/signed_area.h"
#include "base/error.h"
#include "base/xml_file.h"

namespace swath {
namespace {

/// The first character that is neither blank nor part of a byte order mark; 0 where there is none.
char FirstCharacter(std::istream& file) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  for (char c = 0; file.get(c);) {
    if (std::isspace(static_cast<unsigned char>(c)) || kByteOrderMark.find(c) != std::string_view::npos)
      continue;
    return c;
  }
  return 0;
}

template <class F>
void ForEachPoint(Annotations* annotations, F&& use) {
  for (Annotation& area : annotations->areas) {
    for (Polygon& polygon : area.polygons) {
      std::for_each(polygon.outer.begin(), polygon.outer.end(), use);
      for (Ring& hole : polygon.holes) std::for_each(hole.begin(), hole.end(), use);
    }
  }
}

/// No slide is as large; what is computed of larger ones may be no number any more.
void CheckCoordinates(Annotations* annotations) {
  constexpr double kMost = 1e9;
  ForEachPoint(annotations, [&](const Point& p) {
    if (!(std::abs(p.x) <= kMost && std::abs(p.y) <= kMost))
      Fail(ErrorCode::kInput, "{}: expected coordinates of at most {} px, found ({}, {})", annotations->path,
           kMost, p.x, p.y);
  });
}

}  // namespace

Point GeoJsonOrigin(const SlideInfo& slide) {
  const SlideLevel& whole = slide.levels.front();
  const Region& bounds = slide.bounds;
  if (bounds.width == whole.width || bounds.height == whole.height) return {};
  return {static_cast<double>(bounds.x), static_cast<double>(bounds.y)};
}

std::vector<std::string> Annotations::Classes() const {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Annotation& area : areas) {
    if (seen.insert(area.class_name).second) names.push_back(area.class_name);
  }
  return names;
}

bool IsAnnotationFile(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  const char first = FirstCharacter(file);
  return first == '{' || first == '[' || first == '<';
}

namespace {

Annotations ReadAnyFormat(const std::string& path, const SlideInfo* slide) {
  std::error_code problem;
  const auto type = std::filesystem::status(path, problem).type();
  if (type == std::filesystem::file_type::not_found)
    Fail(ErrorCode::kInput, "{}: expected annotations, found no such file", path);
  if (type != std::filesystem::file_type::regular)
    Fail(ErrorCode::kInput, "{}: expected annotations, found something that is not a regular file", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: {}", path, std::strerror(errno));
  const char first = FirstCharacter(file);
  if (first == '{' || first == '[') {
    Annotations read = ReadGeoJson(path);
    const Point origin = slide ? GeoJsonOrigin(*slide) : Point{};
    ForEachPoint(&read, [origin](Point& p) { p = {p.x + origin.x, p.y + origin.y}; });
    return read;
  }
  if (first == '<') {
    const std::string root = XmlRoot(path);
    if (root == "ASAP_Annotations") return ReadAsap(path);
    if (root == "Annotations") return ReadImageScope(path);
    if (root == "annotations") return ReadNdpa(path, slide);
    Fail(ErrorCode::kUnsupported,
         "{}: XML whose outermost element is <{}>: expected that of ASAP (ASAP_Annotations), ImageScope "
         "(Annotations) or NDP.view (annotations)",
         path, root);
  }
  Fail(ErrorCode::kInput, "{}: expected annotations in JSON or XML, found a file of another kind", path);
}

}  // namespace

Annotations ReadAnnotations(const std::string& path, const SlideInfo* slide) {
  Annotations read = ReadAnyFormat(path, slide);
  CheckCoordinates(&read);
  return read;
}

Box BoxAround(const Ring& points) {
  Box box{points.front(), points.front()};
  for (const Point& p : points) {
    box.least = {std::min(box.least.x, p.x), std::min(box.least.y, p.y)};
    box.most = {std::max(box.most.x, p.x), std::max(box.most.y, p.y)};
  }
  return box;
}

bool Meet(const Box& a, const Box& b) {
  return a.least.x <= b.most.x && b.least.x <= a.most.x && a.least.y <= b.most.y && b.least.y <= a.most.y;
}

double Area(const Polygon& polygon) {
  double area = std::abs(SignedArea(polygon.outer));
  for (const Ring& hole : polygon.holes) area -= std::abs(SignedArea(hole));
  return area;
}

Ring EllipseRing(Point centre, double radius_x, double radius_y) {
  // Between two points of a circle, n of them, the chord is r · (1 - cos(π / n)) away from it.
  constexpr double kAway = 0.05;
  const double radius = std::max({std::abs(radius_x), std::abs(radius_y), kAway});
  const auto points =
      static_cast<int>(std::clamp(std::ceil(std::numbers::pi / std::sqrt(kAway / radius)), 12.0, 65536.0));
  const double step = 2 * std::numbers::pi / points;
  const double wider = std::sqrt(step / std::sin(step));  // for the area of the ellipse
  Ring ring;
  for (int i = 0; i < points; ++i)
    ring.push_back(
        {centre.x + wider * radius_x * std::cos(i * step), centre.y + wider * radius_y * std::sin(i * step)});
  return ring;
}

std::optional<std::array<uint8_t, 3>> ParseHexColour(std::string_view text) {
  if (text.size() != 7 || text[0] != '#') return std::nullopt;
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 7, value, 16);
  if (error != std::errc() || end != text.data() + 7) return std::nullopt;
  return std::array{static_cast<uint8_t>(value >> 16), static_cast<uint8_t>(value >> 8),
                    static_cast<uint8_t>(value)};
}

Ring Cleaned(Ring ring) {
  ring.erase(std::unique(ring.begin(), ring.end()), ring.end());
  while (ring.size() > 1 && ring.back() == ring.front()) ring.pop_back();
  if (ring.size() < 3) ring.clear();
  return ring;
}

void AddPolygon(Ring ring, Annotation* area) {
  ring = Cleaned(std::move(ring));
  if (!ring.empty()) area->polygons.push_back({std::move(ring), {}});
}

void AddArea(Annotation area, Annotations* annotations) {
  if (area.polygons.empty()) {
    ++annotations->without_area["empty outline"];
  } else {
    annotations->areas.push_back(std::move(area));
  }
}

}  // namespace swath
