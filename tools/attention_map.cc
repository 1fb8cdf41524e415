#include "tools/attention_map.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include "layers/layer.h"
#include "output/ome_xml.h"
#include "swath/heat_map.h"
#include "swath/model.h"
#include "swath/pyramid_writer.h"

namespace swath::tools {

std::optional<AttentionMap> AttentionMap::Of(const Graph& graph) {
  for (size_t n = 0; n < graph.nodes.size(); ++n) {
    if (graph.nodes[n].layer->type() != "SoftmaxPool") continue;
    Graph part = graph;
    part.output = graph.nodes[n].srcs[0];
    part.nodes.resize(n);
    return AttentionMap(std::move(part));
  }
  return std::nullopt;
}

std::vector<std::string> AttentionMap::Files(const PredictTask& task, const std::string& folder) {
  const std::string stem = folder + "/" + task.name;
  return {stem + "_attention.ome.tif", stem + "_attention.png"};
}

PyramidOptions AttentionMap::Map(const Slide& slide, const PredictTask& task, const RowSource& image) const {
  const Shape shape = InferShapes(graph_, image.width(), image.height())[static_cast<size_t>(graph_.output)];
  const auto rows = slide.OpenRows(task.rows);
  const auto share = [](int64_t size, int64_t slide_size, int64_t image_size) {
    const double part = double(size) * double(slide_size) / double(image_size);
    return std::min(size, std::max<int64_t>(1, std::llround(part)));
  };
  PyramidOptions map = MapOptions(slide, task, share(shape.width, rows->width(), image.width()),
                                  share(shape.height, rows->height(), image.height()));
  map.pixels = PyramidPixels::kGrey;
  map.description = OmeXml(map, {.name = task.name, .channel = "attention"});
  return map;
}

Resources::Fitted AttentionMap::Fit(const PredictTask& task, const RowSource& image,
                                    const Resources& resources) const {
  return resources.Fit(graph_, nullptr, {.image = &image}, sizeof(float),
                       PyramidWriter::BufferBytes(Map(*Slide::Open(task.slide, task.options), task, image)));
}

void AttentionMap::ForEachRow(const RowSource& image, const PlanOptions& options, const PyramidOptions& map,
                              const std::function<void(const uint8_t* weights)>& take) const {
  const int64_t width = map.width, height = map.height;
  const auto engine = MakeStreamingEngine(graph_, nullptr, image.width(), image.height(), options);
  const int64_t pitch =
      InferShapes(graph_, image.width(), image.height())[static_cast<size_t>(graph_.output)].width;
  const auto copy = [&](const float* const* scores, int64_t n, uint8_t* bytes) {
    std::memcpy(bytes, scores[0], static_cast<size_t>(n) * sizeof(float));
  };
  const auto for_each_row = [&](const auto& take_scores) {
    engine->Predict(image, copy, [&](Range band, const uint8_t* bytes) {
      for (int64_t y = band.begin; y < std::min(band.end, height); ++y)
        take_scores(reinterpret_cast<const float*>(bytes) + (y - band.begin) * pitch);
    });
  };
  // Weights are relative to the largest, which is known when all have been seen.
  float most = -std::numeric_limits<float>::infinity();
  for_each_row(
      [&](const float* scores) { most = std::max(most, *std::max_element(scores, scores + width)); });
  std::vector<uint8_t> weights(static_cast<size_t>(width));
  for_each_row([&](const float* scores) {
    for (int64_t x = 0; x < width; ++x)
      weights[static_cast<size_t>(x)] =
          static_cast<uint8_t>(std::lround(255 * std::exp(std::min(0.0f, scores[x] - most))));
    take(weights.data());
  });
}

AttentionMap::Picture AttentionMap::Draw(const PredictTask& task, const RowSource& image,
                                         const PlanOptions& options) const {
  const auto slide = Slide::Open(task.slide, task.options);
  const PyramidOptions map = Map(*slide, task, image);
  const Region shown = Shown(slide->info(), task.rows);
  HeatMap heat(map.width, map.height, shown.width, shown.height);
  ForEachRow(image, options, map, [&](const uint8_t* weights) { heat.AddRow(weights); });
  const double downsample = static_cast<double>(shown.width) / static_cast<double>(heat.width());
  return {heat.Draw(*OpenThumbnail(*slide, task.rows, downsample)), heat.width(), heat.height()};
}

void AttentionMap::Run(const PredictTask& task, const RowSource& image, const PlanOptions& options,
                       const std::string& folder) const {
  const auto slide = Slide::Open(task.slide, task.options);
  const PyramidOptions map_options = Map(*slide, task, image);
  const std::vector<std::string> files = Files(task, folder);
  const Region shown = Shown(slide->info(), task.rows);
  PyramidWriter map(files[0], map_options);
  HeatMap heat(map_options.width, map_options.height, shown.width, shown.height);
  ForEachRow(image, options, map_options, [&](const uint8_t* weights) {
    map.WriteRows(weights, 1);
    heat.AddRow(weights);
  });
  map.Finish();
  const double downsample = static_cast<double>(shown.width) / static_cast<double>(heat.width());
  heat.Write(*OpenThumbnail(*slide, task.rows, downsample), files[1]);
}

}  // namespace swath::tools
