#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "annotation/signed_area.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "swath/annotation.h"

namespace swath {
namespace {

/// Outer rings run counterclockwise and holes clockwise where y points up, as the standard wants it.
void AppendRing(const Ring& ring, bool hole, Point origin, std::string* text) {
  const bool reversed = (SignedArea(ring) < 0) != hole;
  *text += '[';
  for (size_t i = 0; i <= ring.size(); ++i) {
    const size_t at = i % ring.size();  // the first point closes the ring
    const Point& p = ring[reversed ? ring.size() - 1 - at : at];
    fmt::format_to(std::back_inserter(*text), "{}[{},{}]", i == 0 ? "" : ",", p.x - origin.x, p.y - origin.y);
  }
  *text += ']';
}

std::string Properties(const Annotation& area) {
  nlohmann::ordered_json properties = {{"objectType", "annotation"}};
  if (!area.name.empty()) properties["name"] = area.name;
  if (!area.class_name.empty()) {
    properties["classification"] = {{"name", area.class_name}};
    if (area.colour) properties["classification"]["color"] = *area.colour;
  }
  return JsonText(properties);
}

}  // namespace

class GeoJsonWriter::Impl {
 public:
  Impl(const std::string& path, Point origin)
      : origin_(origin), pending_(path), file_(std::fopen(pending_.temporary().c_str(), "wb")) {
    Check(file_ != nullptr);
    Write("{\"type\":\"FeatureCollection\",\"features\":[");
  }

  void Write(const Annotation& area) {
    const bool one = area.polygons.size() == 1;
    BeginGeometry(one ? "Polygon" : "MultiPolygon");
    if (!one) Write("[");
    for (size_t i = 0; i < area.polygons.size(); ++i) {
      Write(i > 0 ? ",[" : "[");
      AddRing(area.polygons[i].outer, false);
      for (const Ring& hole : area.polygons[i].holes) AddRing(hole, true);
      Write("]");
    }
    if (!one) Write("]");
    EndGeometry(area);
  }
  void BeginPolygon(const Ring& outer) {
    BeginGeometry("Polygon");
    Write("[");
    AddRing(outer, false);
  }
  void AddHole(const Ring& hole) { AddRing(hole, true); }
  void EndPolygon(const Annotation& area) {
    Write("]");
    EndGeometry(area);
  }
  void Finish() {
    Write("\n]}\n");
    Check(std::fclose(file_.release()) == 0);
    pending_.Commit();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void Check(bool good) const {
    if (!good) Fail(ErrorCode::kOutput, "{}: cannot be written: {}", pending_.path(), std::strerror(errno));
  }
  void Write(std::string_view text) {
    Check(std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size());
  }
  void BeginGeometry(const char* type) {
    Write(fmt::format(R"({}{{"type":"Feature","geometry":{{"type":"{}","coordinates":)",
                      std::exchange(separator_, ",\n"), type));
  }
  void AddRing(const Ring& ring, bool hole) {
    text_ = hole ? "," : "";
    AppendRing(ring, hole, origin_, &text_);
    Write(text_);
  }
  void EndGeometry(const Annotation& area) { Write("},\"properties\":" + Properties(area) + "}"); }

  Point origin_;
  PendingFile pending_;
  std::unique_ptr<std::FILE, Close> file_;  // after pending_: closed before the file is removed
  const char* separator_ = "\n";
  std::string text_;  ///< of a ring
};

GeoJsonWriter::GeoJsonWriter(const std::string& path, Point origin)
    : impl_(std::make_unique<Impl>(path, origin)) {}
GeoJsonWriter::~GeoJsonWriter() = default;
void GeoJsonWriter::Write(const Annotation& area) { impl_->Write(area); }
void GeoJsonWriter::BeginPolygon(const Ring& outer) { impl_->BeginPolygon(outer); }
void GeoJsonWriter::AddHole(const Ring& hole) { impl_->AddHole(hole); }
void GeoJsonWriter::EndPolygon(const Annotation& area) { impl_->EndPolygon(area); }
void GeoJsonWriter::Finish() { impl_->Finish(); }

void WriteGeoJson(const Annotations& annotations, const std::string& path, Point origin) {
  GeoJsonWriter writer(path, origin);
  for (const Annotation& area : annotations.areas) writer.Write(area);
  writer.Finish();
}

}  // namespace swath
