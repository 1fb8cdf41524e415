/// Writes models, images and the logits that the streaming engine predicts for them, for ONNX Runtime to
/// recompute.
///
///   dump_logits DIR [MODEL.onnx...]
///
/// DIR/cases.json lists the cases; tests/judges/onnx_runtime/compare.js says what is in their folders.
/// Without models: built-in and random networks.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "geometry/window.h"
#include "swath/engine.h"
#include "swath/extended_rows.h"
#include "swath/model.h"
#include "swath/png_writer.h"
#include "tests/judges/onnx_seeds.h"
#include "tests/judges/raw_files.h"
#include "tests/support/memory_image.h"
#include "tests/support/random_graph.h"

namespace swath::test {
namespace {

constexpr uint32_t kRandomNetworks = 1500;  // to choose from
constexpr size_t kCases = 60;               // beyond these, those with a pooling only: few have a small one

struct Case {
  std::string name;
  Graph graph;
  int64_t width = 0;
  int64_t height = 0;
  uint32_t seed = 0;
  bool as_slide = false;  ///< also as an image file
};

/// [class, row, column] of the image itself, without what it was extended by.
std::vector<float> Logits(const Graph& graph, const RowSource& image, int64_t width, int64_t height) {
  const int64_t classes = OutputChannels(graph), whole_width = image.width();
  std::vector<float> logits(static_cast<size_t>(classes * width * height));
  const auto engine = MakeStreamingEngine(graph, nullptr, whole_width, image.height(),
                                          {.threads = 2, .strips = 3, .bytes_per_pixel = classes * 4});
  const auto to_bytes = [classes](const float* const* row, int64_t pixels, uint8_t* bytes) {
    for (int64_t c = 0; c < classes; ++c) {
      std::memcpy(bytes + c * pixels * 4, row[c], static_cast<size_t>(pixels * 4));
    }
  };
  const auto sink = [&](Range rows, const uint8_t* bytes) {
    for (int64_t y = rows.begin; y < std::min(rows.end, height); ++y) {
      for (int64_t c = 0; c < classes; ++c) {
        const uint8_t* row = bytes + ((y - rows.begin) * classes + c) * whole_width * 4;
        std::memcpy(logits.data() + (c * height + y) * width, row, static_cast<size_t>(width * 4));
      }
    }
  };
  engine->Predict(image, to_bytes, sink);
  return logits;
}

nlohmann::json WriteCase(const Case& c, const std::filesystem::path& root) {
  const std::filesystem::path folder = root / c.name;
  std::filesystem::create_directories(folder);
  ExportOnnx(c.graph, (folder / "model.onnx").string());
  const Graph graph = ImportOnnx((folder / "model.onnx").string());
  MemoryImage image = RandomImage(c.width, c.height, graph.input_channels, c.seed);
  WriteRaw<uint8_t>(folder / "image.bin", image.pixels());

  const int64_t multiple = graph.metadata.contains("swath.multiple") ? ModelMultiple(graph) : 1;
  const int extension = ModelExtension(graph);
  const auto whole = ExtendedRows(image.Clone(), RoundUp(c.width, multiple), RoundUp(c.height, multiple),
                                  static_cast<uint8_t>(extension));
  WriteRaw<float>(folder / "output.bin", Logits(graph, *whole, c.width, c.height));
  nlohmann::json slide;  // for `swath predict`, too
  if (c.as_slide) {
    slide = {{"file", "image.png"}, {"classes", ModelClasses(graph)}};
    PngWriter png((folder / "image.png").string(), {.width = c.width, .height = c.height});
    png.WriteRows(image.pixels().data(), c.height);
    png.Finish();
  }
  return {{"name", c.name},
          {"slide", slide},
          {"width", c.width},
          {"height", c.height},
          {"channels", graph.input_channels},
          {"multiple", multiple},
          {"extension", extension},
          {"output", "logits"}};
}

bool IsPool(const Node& node) {
  return node.layer->type() == "MaxPool" || node.layer->type() == "AveragePool";
}

/// In what ceil_mode adds beyond the padding, PyTorch and later texts of ONNX count nothing; this ONNX
/// Runtime does.
bool CountsBeyondPadding(const Node& node) {
  const Attributes attributes = node.layer->attributes();
  const auto is_on = [&](const char* name) {
    const auto it = attributes.find(name);
    return it != attributes.end() && std::get<int64_t>(it->second) != 0;
  };
  return is_on("ceil_mode") && is_on("count_include_pad");
}

/// Not those that ONNX's text leaves out and ONNX Runtime computes otherwise (output_padding that is not less
/// than the stride) or refuses (pads of a pooling that are not less than its kernel).
bool FitsRuntime(const Graph& graph) {
  for (const Node& node : graph.nodes) {
    const auto* layer = dynamic_cast<const RowLayer*>(node.layer.get());
    if (!layer) continue;
    const bool pools = IsPool(node);
    if (pools && CountsBeyondPadding(node)) return false;
    for (const Window& w : {layer->rows(1 << 20), layer->columns(1 << 20)}) {
      if (w.output_padding > 0 && w.output_padding >= w.stride) return false;
      if (pools && std::max(w.pad_begin, w.pad_end) >= w.kernel) return false;
    }
  }
  return true;
}

std::vector<Case> BuiltInCases() {
  std::vector<Case> cases;
  for (const std::string name : {"unet-4492", "pixel-mlp"}) {
    cases.push_back({name + "-512x320", BuiltInModel(name, 1), 512, 320, 1, true});
    cases.push_back({name + "-301x475", BuiltInModel(name, 2), 301, 475, 2, true});
  }
  for (const uint32_t seed : OnnxSeeds(2000, kRandomNetworks)) {
    RandomNetwork network = MakeRandomNetwork(seed);
    if (!FitsRuntime(network.graph)) continue;
    if (cases.size() >= kCases && std::ranges::none_of(network.graph.nodes, IsPool)) continue;
    cases.push_back(
        {fmt::format("random-{}", seed), std::move(network.graph), network.width, network.height, seed});
  }
  return cases;
}

std::vector<Case> FileCases(const std::vector<std::string>& paths) {
  std::vector<Case> cases;
  for (const std::string& path : paths) {
    cases.push_back({fmt::format("model-{}", cases.size() + 1), ImportOnnx(path), 301, 475, 1, true});
  }
  return cases;
}

}  // namespace
}  // namespace swath::test

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: dump_logits DIR [MODEL.onnx...]\n");
    return 2;
  }
  try {
    const std::vector<std::string> models(argv + 2, argv + argc);
    nlohmann::json index = nlohmann::json::array();
    for (const auto& c : models.empty() ? swath::test::BuiltInCases() : swath::test::FileCases(models)) {
      index.push_back(swath::test::WriteCase(c, argv[1]));
    }
    swath::test::WriteJson(std::filesystem::path(argv[1]) / "cases.json", index);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "dump_logits: %s\n", e.what());
    return 1;
  }
  return 0;
}
