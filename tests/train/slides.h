/// Tiny slides on disk and a network for them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "layers/layers.h"
#include "swath/graph.h"
#include "swath/png_writer.h"
#include "tests/support/temporary_folder.h"

namespace swath::test {

inline void WritePng(const std::string& path, int64_t width, int64_t height, int64_t channels,
                     const std::function<uint8_t(int64_t x, int64_t y, int64_t c)>& pixel) {
  PngWriter writer(path, {.width = width, .height = height, .channels = channels});
  std::vector<uint8_t> row(static_cast<size_t>(width * channels));
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t i = 0; i < width * channels; ++i)
      row[static_cast<size_t>(i)] = pixel(i / channels, y, i % channels);
    writer.WriteRows(row.data(), 1);
  }
  writer.Finish();
}

/// A noisy dark square on white, and its mask.
inline void WriteSlide(const TemporaryFolder& folder, const std::string& name, int64_t width, int64_t height,
                       uint64_t seed) {
  SplitMix64 random(seed);
  const int64_t left = static_cast<int64_t>(random.Next() % 12),
                top = static_cast<int64_t>(random.Next() % 12);
  const auto inside = [=](int64_t x, int64_t y) {
    return x >= left && x < left + 14 && y >= top && y < top + 14;
  };
  WritePng(folder.File(name + ".png"), width, height, 3, [&](int64_t x, int64_t y, int64_t) {
    return static_cast<uint8_t>((inside(x, y) ? 90 : 190) + random.Next() % 64);
  });
  WritePng(folder.File(name + "_mask.png"), width, height, 1,
           [&](int64_t x, int64_t y, int64_t) { return static_cast<uint8_t>(inside(x, y) ? 1 : 0); });
}

/// Normalisation, a convolution of stride 2 with ReLU, and a transposed one back to `logits` maps; about 200
/// parameters.
inline Graph SmallNetwork(int64_t logits = 1) {
  Graph graph;
  graph.name = "small";
  graph.input = graph.AddTensor("image");
  SplitMix64 random(5);
  const auto add = [&](const char* name, std::vector<int64_t> dims, double scale) {
    int64_t size = 1;
    for (const int64_t d : dims) size *= d;
    Parameter parameter{
        .name = name, .dims = std::move(dims), .values = std::vector<float>(static_cast<size_t>(size))};
    for (float& value : parameter.values) value = static_cast<float>(scale * (2 * random.Uniform() - 1));
    return graph.AddParameter(std::move(parameter));
  };
  const int shift = graph.AddParameter(
      {.name = "shift", .dims = {3, 1, 1}, .values = {-255.0f, -255.0f, -255.0f}, .trainable = false});
  const int scale = graph.AddParameter(
      {.name = "scale", .dims = {3, 1, 1}, .values = {-1 / 64.f, -1 / 64.f, -1 / 64.f}, .trainable = false});
  int tensor = graph.AddNode("shift", MakeAdd(), {graph.input}, {shift});
  tensor = graph.AddNode("scale", MakeMul(), {tensor}, {scale});
  const Window down{.kernel = 4, .stride = 2, .pad_begin = 1, .pad_end = 1};
  tensor = graph.AddNode("down", MakeConv({.rows = down, .columns = down}), {tensor},
                         {add("down.weight", {3, 3, 4, 4}, 0.2), add("down.bias", {3}, 0.1)});
  tensor = graph.AddNode("relu", MakeRelu(), {tensor});
  Window up = down;
  up.kind = Window::Kind::kScatter;
  graph.output = graph.AddNode("up", MakeConvTranspose({.rows = up, .columns = up}), {tensor},
                               {add("up.weight", {3, logits, 4, 4}, 0.2), add("up.bias", {logits}, 0.1)});
  return graph;
}

}  // namespace swath::test
