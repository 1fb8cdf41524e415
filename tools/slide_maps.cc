#include "tools/slide_maps.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "output/ome_xml.h"
#include "swath/class_colour.h"

namespace swath::tools {
namespace {

/// File systems allow 255 bytes a name.
constexpr size_t kLongestClassName = 128;

/// The class as a part of a file's name.
std::string MapName(const std::string& class_name) {
  std::string name = class_name.substr(0, kLongestClassName);
  for (char& letter : name) {
    if (letter == '/' || static_cast<unsigned char>(letter) < ' ') letter = '_';
  }
  return "_probability_" + name + ".ome.tif";
}

PyramidPixels ProbabilityPixels(const MapFormat& format) {
  return format.samples == ProbabilitySamples::kUint8 ? PyramidPixels::kGrey : PyramidPixels::kFloat32;
}

PyramidOptions ForMask(PyramidOptions map, const MapFormat& format, const PredictTask& task) {
  map.pixels = PyramidPixels::kLabels;
  map.description = OmeXml(map, {.name = task.name, .channel = "class", .labels = format.classes});
  return map;
}

PyramidOptions ForProbability(PyramidOptions map, const MapFormat& format, const PredictTask& task,
                              size_t c) {
  map.pixels = ProbabilityPixels(format);
  map.description = OmeXml(
      map, {.name = task.name, .channel = format.classes[c], .colour = ClassColour(static_cast<uint8_t>(c))});
  return map;
}

}  // namespace

void CheckMapNames(const MapFormat& format, const std::string& network) {
  std::map<std::string, std::string> names;
  for (size_t c = 1; c < format.classes.size(); ++c) {
    const auto [other, first] = names.insert({MapName(format.classes[c]), format.classes[c]});
    if (first) continue;
    Fail(ErrorCode::kUnsupported, "{}: the maps of the classes '{}' and '{}' would have one name, {}",
         network, other->second, format.classes[c], other->first);
  }
}

std::vector<std::string> MapFiles(const MapFormat& format, const PredictTask& task,
                                  const std::string& folder) {
  const std::string stem = folder + "/" + task.name;
  std::vector<std::string> files = {stem + "_mask.ome.tif"};
  for (size_t c = 1; c < format.classes.size(); ++c) files.push_back(stem + MapName(format.classes[c]));
  if (format.simplify) files.push_back(stem + ".geojson");
  files.push_back(stem + "_overlay.png");
  return files;
}

SlideMaps::SlideMaps(const MapFormat& format, const PredictTask& task, const Slide& slide,
                     const PyramidOptions& map, const std::string& folder)
    : format_(format),
      task_(task),
      slide_(slide),
      options_(map),
      files_(MapFiles(format, task, folder)),
      mask_(files_.front(), ForMask(map, format, task)),
      sums_(format.classes.size(), 0.0),
      overlay_(map.width, map.height, static_cast<int64_t>(format.classes.size())) {
  for (size_t c = 1; c < format.classes.size(); ++c)
    probabilities_.push_back(
        std::make_unique<PyramidWriter>(files_[c], ForProbability(map, format, task, c)));
  if (!format.simplify) return;
  outlines_.emplace(files_[format.classes.size()],
                    OutlineWriter::Options{.width = map.width,
                                           .frame = FrameOf(Shown(slide.info(), task.rows), map.width,
                                                            map.height, GeoJsonOrigin(slide.info())),
                                           .tolerance = *format.simplify,
                                           .style = [this](uint8_t label) {
                                             return Annotation{.class_name = format_.classes[label],
                                                               .name = {},
                                                               .colour = ClassColour(label)};
                                           }});
}

int64_t SlideMaps::BufferBytes(const MapFormat& format, PyramidOptions map) {
  const auto classes = static_cast<int64_t>(format.classes.size());
  map.pixels = PyramidPixels::kLabels;
  const int64_t mask = PyramidWriter::BufferBytes(map);
  map.pixels = ProbabilityPixels(format);
  return Overlay::BufferBytes(map.width, map.height, classes) + mask +
         (classes - 1) * PyramidWriter::BufferBytes(map);
}

/// Of the samples of a row, as probabilities.
double SlideMaps::SumOf(const uint8_t* samples) const {
  double sum = 0;
  if (format_.samples == ProbabilitySamples::kUint8) {
    constexpr int64_t kAtOnce = int64_t{1} << 16;  // whose sum fits 32 bits, four of which make a vector
    for (int64_t x = 0; x < options_.width; x += kAtOnce) {
      const uint8_t* end = samples + std::min(x + kAtOnce, options_.width);
      sum += static_cast<double>(std::accumulate(samples + x, end, uint32_t{0}));
    }
    return sum / 255;
  }
  for (int64_t x = 0; x < options_.width; ++x) {
    float p;
    std::memcpy(&p, samples + x * static_cast<int64_t>(sizeof p), sizeof p);
    sum += static_cast<double>(p);
  }
  return sum;
}

void SlideMaps::AddRow(const uint8_t* row, int64_t pitch) {
  overlay_.AddRow(row);
  mask_.WriteRows(row, 1);
  if (outlines_) outlines_->AddRow(row);
  row += pitch;
  for (size_t i = 0; i < probabilities_.size(); ++i) {
    probabilities_[i]->WriteRows(row, 1);
    sums_[i + 1] += SumOf(row);
    row += pitch * format_.probability_bytes();
  }
}

void SlideMaps::Finish() {
  mask_.Finish();
  for (const auto& map : probabilities_) map->Finish();
  if (outlines_) outlines_->Finish();
  const double downsample =
      static_cast<double>(Shown(slide_.info(), task_.rows).width) / static_cast<double>(overlay_.width());
  overlay_.Write(*OpenThumbnail(slide_, task_.rows, downsample), files_.back());
}

std::vector<ClassFigures> SlideMaps::Figures() const {
  const double pixels = static_cast<double>(options_.width) * static_cast<double>(options_.height);
  const double square_millimetres = options_.mpp_x * options_.mpp_y * 1e-6;  // of a pixel; 0: not known
  std::vector<ClassFigures> figures;
  double others = 0;
  for (size_t i = 0; i < format_.classes.size(); ++i) {
    const auto c = static_cast<uint8_t>(i);
    ClassFigures of = {.pixels = overlay_.Pixels(c), .mean_probability = sums_[i] / pixels};
    if (square_millimetres > 0) of.square_millimetres = static_cast<double>(of.pixels) * square_millimetres;
    if (i > 0 && outlines_) of.areas = outlines_->areas(c);
    others += of.mean_probability;
    figures.push_back(of);
  }
  figures.front().mean_probability = std::max(0.0, 1 - others);
  return figures;
}

}  // namespace swath::tools
