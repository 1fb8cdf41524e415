#include "viewer/site.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/json_text.h"
#include "output/encode_picture.h"
#include "viewer/annotation_layer.h"
#include "viewer/class_names.h"
#include "viewer/overlay_map.h"
#include "viewer/page_files.h"
#include "viewer/tile_pyramid.h"

namespace swath::viewer {
namespace {

using nlohmann::json;

constexpr int64_t kCacheBytes = int64_t{192} << 20;
constexpr int kJpegQuality = 87;
constexpr int64_t kThumbnailSide = 192;
/// Annotations of so many bytes are read with the slide, larger ones when they are asked for.
constexpr int64_t kReadAtOnce = int64_t{32} << 20;

Bytes BytesOf(std::string_view text) {
  return std::make_shared<const std::vector<uint8_t>>(text.begin(), text.end());
}

Reply Text(int status, std::string_view text) { return {.status = status, .body = BytesOf(text)}; }

Reply NotFound() { return Text(404, "there is no such thing here\n"); }

Reply Json(const json& value) { return {.type = "application/json", .body = BytesOf(JsonText(value))}; }

Reply Image(const char* type, std::vector<uint8_t> bytes) {
  return {.type = type, .body = std::make_shared<const std::vector<uint8_t>>(std::move(bytes)), .keep = true};
}

Reply Jpeg(const Picture& of) {
  return Image("image/jpeg", EncodeJpeg(of.pixels.data(), of.width, of.height, kJpegQuality, Chroma::kHalf));
}

std::vector<std::string_view> Split(std::string_view text, char mark) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(mark);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

template <class T>
std::optional<T> Number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// "1_2_3.jpg" as numbers, `count` of them.
template <class T>
std::optional<std::vector<T>> Numbers(std::string_view text, std::string_view ending, size_t count) {
  if (!text.ends_with(ending)) return std::nullopt;
  std::vector<T> numbers;
  for (const std::string_view part : Split(text.substr(0, text.size() - ending.size()), '_')) {
    const auto number = Number<T>(part);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  if (numbers.size() != count) return std::nullopt;
  return numbers;
}

/// The number of a thing: a folder, or "2.json" at the path's end.
std::optional<size_t> Index(const std::vector<std::string_view>& parts, size_t at) {
  std::string_view number = parts[at];
  if (at + 1 == parts.size()) {
    if (!number.ends_with(".json")) return std::nullopt;
    number.remove_suffix(5);
  }
  return Number<size_t>(number);
}

/// A tile that the pyramid has.
std::optional<TileIndex> ParseTile(std::string_view text, std::string_view ending,
                                   const TilePyramid& pyramid) {
  const auto numbers = Numbers<int64_t>(text, ending, 3);
  if (!numbers) return std::nullopt;
  const TileIndex tile{(*numbers)[0], (*numbers)[1], (*numbers)[2]};
  return pyramid.Has(tile) ? std::optional(tile) : std::nullopt;
}

std::string Hex(const std::array<uint8_t, 3>& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour[0], colour[1], colour[2]);
}

json PyramidJson(const TilePyramid& pyramid) {
  return {{"width", pyramid.width()},
          {"height", pyramid.height()},
          {"tileSide", pyramid.tile_side()},
          {"levels", pyramid.levels()}};
}

json ToJson(const OverlayMap& map) {
  json value = PyramidJson(map.pyramid());
  value["name"] = map.name();
  value["mask"] = map.is_mask();
  value["region"] = {map.region().x, map.region().y, map.region().width, map.region().height};
  value["classes"] = json::array();
  for (const OverlayMap::Class& of : map.classes())
    value["classes"].push_back({{"label", of.label}, {"name", of.name}, {"colour", Hex(of.colour)}});
  return value;
}

json ToJson(const AnnotationLayer& layer) {
  json value = {{"withoutArea", layer.without_area()}, {"classes", json::array()}};
  for (const AnnotationLayer::Class& of : layer.classes())
    value["classes"].push_back({{"name", of.name}, {"colour", Hex(of.colour)}, {"areas", of.areas}});
  return value;
}

const char* TypeOf(std::string_view name) {
  if (name.ends_with(".html")) return "text/html; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  return "text/javascript; charset=utf-8";
}

Reply PageReply(std::string_view name) {
  for (const PageFile& file : PageFiles()) {
    if (file.name == name) return {.type = TypeOf(name), .body = BytesOf(file.bytes), .keep = true};
  }
  return NotFound();
}

}  // namespace

/// A slide with all that hangs beside it.
class Site::Hall {
 public:
  explicit Hall(Exhibit exhibit) : exhibit_(std::move(exhibit)) {}

  std::string name() const { return std::filesystem::path(exhibit_.path).filename().string(); }

  const TilePyramid& slide() {
    std::call_once(slide_once_, [this] {
      const auto format = OpenFormat(exhibit_.path);
      info_ = Corrected(format->info(), exhibit_.options);
      slide_ = std::make_unique<TilePyramid>(format, Pixels::kColour, Reduction::kMean);
    });
    return *slide_;
  }
  const SlideInfo& info() {
    slide();
    return info_;
  }
  const std::vector<std::unique_ptr<OverlayMap>>& maps() {
    OpenResults();
    return maps_;
  }
  size_t annotation_count() {
    OpenResults();
    return outlines_.size();
  }
  const std::string& annotation_name(size_t i) const { return outlines_[i]->file.name; }
  /// Those that are not have been read with the slide.
  bool annotations_are_large(size_t i) const { return outlines_[i]->large; }
  /// Reads them where they have not been read. Throws Error.
  const AnnotationLayer& annotations(size_t i) {
    Outlines& of = *outlines_[i];
    std::call_once(of.once, [&] {
      of.layer = std::make_unique<AnnotationLayer>(ReadAnnotations(of.file.path, &info()));
    });
    return *of.layer;
  }
  const std::vector<Problem>& problems() {
    OpenResults();
    return problems_;
  }

 private:
  struct Outlines {
    ResultFile file;
    bool large = false;
    std::once_flag once = {};
    std::unique_ptr<AnnotationLayer> layer = {};
  };

  void OpenResults() {
    slide();
    std::call_once(results_once_, [this] {
      std::vector<std::string> names;  // of the labels, for maps that do not say them
      std::stable_sort(exhibit_.results.begin(), exhibit_.results.end(),
                       [](const ResultFile& a, const ResultFile& b) { return a.kind < b.kind; });
      for (const ResultFile& file : exhibit_.results) {
        try {
          if (file.kind == ResultFile::Kind::kAnnotations) {
            OpenAnnotations(file);
          } else {
            OpenMap(file, &names);
          }
        } catch (const Error& e) {
          problems_.push_back({e, file.required});
        }
      }
    });
  }
  void OpenMap(const ResultFile& file, std::vector<std::string>* names) {
    const std::vector<std::string> own = ClassNames(file.path);
    if (!own.empty()) *names = own;
    const bool mask = file.kind != ResultFile::Kind::kProbability;
    maps_.push_back(std::make_unique<OverlayMap>(file, info(), mask ? own : *names));
  }
  void OpenAnnotations(const ResultFile& file) {
    std::error_code error;  // of a file that is not there: reading it says so
    const auto bytes = static_cast<int64_t>(std::filesystem::file_size(file.path, error));
    outlines_.push_back(std::make_unique<Outlines>());
    outlines_.back()->file = file;
    outlines_.back()->large = !error && bytes > kReadAtOnce && !file.required;
    if (outlines_.back()->large) return;
    try {
      annotations(outlines_.size() - 1);
    } catch (const Error&) {
      outlines_.pop_back();
      throw;
    }
  }

  Exhibit exhibit_;
  std::once_flag slide_once_, results_once_;
  SlideInfo info_;  ///< of the slide, as it is opened
  std::unique_ptr<TilePyramid> slide_;
  std::vector<std::unique_ptr<OverlayMap>> maps_;
  std::vector<std::unique_ptr<Outlines>> outlines_;
  std::vector<Problem> problems_;
};

Site::Site(std::vector<Exhibit> exhibits) : cache_(kCacheBytes) {
  for (Exhibit& exhibit : exhibits) halls_.push_back(std::make_unique<Hall>(std::move(exhibit)));
}

Site::~Site() = default;

const std::vector<Site::Problem>& Site::Open(size_t slide) { return halls_[slide]->problems(); }

Reply Site::Get(const std::string& path) {
  try {
    if (Bytes kept = cache_.Find(path)) {
      return {
          .type = path.ends_with(".jpg") ? "image/jpeg" : "image/png", .body = std::move(kept), .keep = true};
    }
    Reply reply = Answer(path);
    if (reply.keep && std::string_view(reply.type).starts_with("image/")) cache_.Keep(path, reply.body);
    return reply;
  } catch (const std::exception& e) {
    return Text(500, std::string(e.what()) + "\n");
  }
}

Reply Site::Answer(const std::string& path) {
  const std::vector<std::string_view> parts = Split(path, '/');
  if (parts.size() == 1 && path == "slides.json") {
    json names = json::array();
    for (const auto& hall : halls_) names.push_back(hall->name());
    return Json({{"slides", names}});
  }
  if (parts.size() == 1) return PageReply(path.empty() ? "index.html" : path);
  if (parts.front() != "slides") return NotFound();
  const auto index = Index(parts, 1);
  if (!index || *index >= halls_.size()) return NotFound();
  return OfSlide(*halls_[*index], parts);
}

Reply Site::OfSlide(Hall& hall, const std::vector<std::string_view>& parts) {
  if (parts.size() == 2) return Description(hall);
  if (parts.size() == 3 && parts[2] == "thumbnail.jpg") return Jpeg(hall.slide().Thumbnail(kThumbnailSide));
  if (parts.size() == 4 && parts[2] == "tiles") {
    const auto tile = ParseTile(parts[3], ".jpg", hall.slide());
    return tile ? Jpeg(hall.slide().Read(*tile)) : NotFound();
  }
  if (parts.size() >= 4 && parts[2] == "maps") return OfMap(hall, parts);
  if (parts.size() >= 4 && parts[2] == "annotations") return OfAnnotations(hall, parts);
  return NotFound();
}

Reply Site::OfMap(Hall& hall, const std::vector<std::string_view>& parts) {
  const auto index = Number<size_t>(parts[3]);
  if (parts.size() != 6 || !index || *index >= hall.maps().size()) return NotFound();
  const OverlayMap& map = *hall.maps()[*index];
  const auto label = Number<uint8_t>(parts[4]);
  const auto tile = ParseTile(parts[5], ".png", map.pyramid());
  return label && tile ? Image("image/png", map.Tile(*tile, *label)) : NotFound();
}

Reply Site::OfAnnotations(Hall& hall, const std::vector<std::string_view>& parts) {
  const auto index = Index(parts, 3);
  if (parts.size() > 5 || !index || *index >= hall.annotation_count()) return NotFound();
  if (parts.size() == 4) return Json(ToJson(hall.annotations(*index)));
  const auto v = Numbers<double>(parts[4], ".json", 5);
  if (!v || !std::all_of(v->begin(), v->end(), [](double x) { return std::abs(x) < 1e12; }) ||
      !((*v)[4] > 1e-6))
    return NotFound();
  const View view{{{(*v)[0], (*v)[1]}, {(*v)[0] + (*v)[2], (*v)[1] + (*v)[3]}}, (*v)[4]};
  return {.type = "application/json", .body = BytesOf(hall.annotations(*index).Seen(view))};
}

Reply Site::Description(Hall& hall) {
  const SlideInfo& info = hall.info();
  const auto optional = [](const std::optional<double>& value) { return value ? json(*value) : nullptr; };
  json value = PyramidJson(hall.slide());
  value["name"] = hall.name();
  value["format"] = info.format;
  value["mppX"] = optional(info.mpp_x);
  value["mppY"] = optional(info.mpp_y);
  value["background"] = Hex(info.background);
  value["maps"] = json::array();
  for (const auto& map : hall.maps()) value["maps"].push_back(ToJson(*map));
  value["annotations"] = json::array();
  for (size_t i = 0; i < hall.annotation_count(); ++i) {
    const bool large = hall.annotations_are_large(i);
    json layer = large ? json::object() : ToJson(hall.annotations(i));
    layer["name"] = hall.annotation_name(i);
    layer["large"] = large;
    value["annotations"].push_back(layer);
  }
  value["problems"] = json::array();
  for (const Problem& problem : hall.problems()) value["problems"].push_back(problem.error.what());
  return Json(value);
}

}  // namespace swath::viewer
