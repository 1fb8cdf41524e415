#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <utility>

#include "annotation/signed_area.h"
#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "swath/annotation.h"

namespace swath {
namespace {

/// Outer rings run counterclockwise and holes clockwise where y points up, as the standard wants it.
void AppendRing(const Ring& ring, bool hole, std::string* text) {
  const bool reversed = (SignedArea(ring) < 0) != hole;
  *text += '[';
  for (size_t i = 0; i <= ring.size(); ++i) {
    const size_t at = i % ring.size();  // the first point closes the ring
    const Point& p = ring[reversed ? ring.size() - 1 - at : at];
    fmt::format_to(std::back_inserter(*text), "{}[{},{}]", i == 0 ? "" : ",", p.x, p.y);
  }
  *text += ']';
}

void AppendPolygon(const Polygon& polygon, std::string* text) {
  *text += '[';
  AppendRing(polygon.outer, false, text);
  for (const Ring& hole : polygon.holes) {
    *text += ',';
    AppendRing(hole, true, text);
  }
  *text += ']';
}

std::string Feature(const Annotation& area) {
  nlohmann::ordered_json properties = {{"objectType", "annotation"}};
  if (!area.name.empty()) properties["name"] = area.name;
  if (!area.class_name.empty()) {
    properties["classification"] = {{"name", area.class_name}};
    if (area.colour) properties["classification"]["color"] = *area.colour;
  }
  const bool one = area.polygons.size() == 1;
  std::string text = fmt::format(R"({{"type":"Feature","geometry":{{"type":"{}","coordinates":)",
                                 one ? "Polygon" : "MultiPolygon");
  if (!one) text += '[';
  for (size_t i = 0; i < area.polygons.size(); ++i) {
    if (i > 0) text += ',';
    AppendPolygon(area.polygons[i], &text);
  }
  if (!one) text += ']';
  return text + "},\"properties\":" + JsonText(properties) + "}";
}

}  // namespace

class GeoJsonWriter::Impl {
 public:
  explicit Impl(const std::string& path)
      : pending_(path), file_(std::fopen(pending_.temporary().c_str(), "wb")) {
    Check(file_ != nullptr);
    Write("{\"type\":\"FeatureCollection\",\"features\":[");
  }

  void Write(const Annotation& area) { Write(std::exchange(separator_, ",\n") + Feature(area)); }
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
  void Write(const std::string& text) {
    Check(std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size());
  }

  PendingFile pending_;
  std::unique_ptr<std::FILE, Close> file_;  // after pending_: closed before the file is removed
  const char* separator_ = "\n";
};

GeoJsonWriter::GeoJsonWriter(const std::string& path) : impl_(std::make_unique<Impl>(path)) {}
GeoJsonWriter::~GeoJsonWriter() = default;
void GeoJsonWriter::Write(const Annotation& area) { impl_->Write(area); }
void GeoJsonWriter::Finish() { impl_->Finish(); }

void WriteGeoJson(const Annotations& annotations, const std::string& path) {
  GeoJsonWriter writer(path);
  for (const Annotation& area : annotations.areas) writer.Write(area);
  writer.Finish();
}

}  // namespace swath
