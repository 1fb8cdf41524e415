/// Runs ONNX models on images of floats, for judges in another language.
///
///   run_model JOBS.json
///
/// JOBS.json is a list of jobs; what came of them is written as JSON to stdout, one line each. A job:
///   model     the file
///   output    the name of an output, where there are several
///   image     float32, [row, column, channel], of width × height
///   strips, panels, float64
///   result    where to write the output: doubles, [channel, row, column]
///   gradients where to write d Σ (output - 1)² / n / d parameter, doubles, one parameter after the other
///   batchnorm "image" for the statistics of the image
/// An answer: {"error"} or {"shape", "in_core", "sweeps", "parameters": [{name, size}]}.
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/error.h"
#include "swath/model.h"
#include "tests/judges/raw_files.h"
#include "tests/support/memory_image.h"

namespace swath::test {
namespace {

/// An image of floats, [row, column, channel].
MemoryImage ReadImage(const nlohmann::json& job, int64_t channels) {
  std::ifstream file(job.at("image").get<std::string>(), std::ios::binary);
  std::vector<uint8_t> bytes((std::istreambuf_iterator<char>(file)), {});
  MemoryImage image(job.at("width"), job.at("height"), channels, std::move(bytes), SampleType::kFloat32);
  return image;
}

/// The output's values, whether it is a map or in core.
std::vector<double> Predict(const Graph& graph, const Shape& shape, const RowSource& image,
                            PlanOptions options) {
  options.bytes_per_pixel = shape.channels * 4;
  const auto engine = MakeStreamingEngine(graph, nullptr, image.width(), image.height(), options);
  if (InCore(graph)[static_cast<size_t>(graph.output)]) return engine->PredictSlide(image);
  std::vector<double> values(static_cast<size_t>(shape.size()));
  engine->Predict(
      image,
      [&](const float* const* row, int64_t width, uint8_t* bytes) {
        for (int64_t c = 0; c < shape.channels; ++c)
          std::memcpy(bytes + c * width * 4, row[c], static_cast<size_t>(width) * 4);
      },
      [&](Range rows, const uint8_t* bytes) {
        const float* from = reinterpret_cast<const float*>(bytes);
        for (int64_t y = rows.begin; y < rows.end; ++y) {
          for (int64_t c = 0; c < shape.channels; ++c) {
            for (int64_t x = 0; x < shape.width; ++x)
              values[static_cast<size_t>((c * shape.height + y) * shape.width + x)] =
                  static_cast<double>(*from++);
          }
        }
      });
  return values;
}

nlohmann::json Run(const nlohmann::json& job) {
  Graph graph = ImportOnnx(job.at("model"), job.value("output", ""));
  if (job.value("batchnorm", "") == "image") SetBatchNormalization(&graph, BatchNormalizationMode::kImage);
  const MemoryImage image = ReadImage(job, graph.input_channels);
  PlanOptions options{.threads = 2,
                      .strips = job.value("strips", 1),
                      .panels = job.value("panels", 1),
                      .precision = job.value("float64", false) ? Precision::kFloat64 : Precision::kFloat32,
                      .samples = SampleType::kFloat32};
  const Shape shape = InferShapes(graph, image.width(), image.height())[static_cast<size_t>(graph.output)];
  nlohmann::json answer = {{"shape", {shape.channels, shape.height, shape.width}},
                           {"in_core", static_cast<bool>(InCore(graph)[static_cast<size_t>(graph.output)])}};
  if (job.contains("result")) {
    PlanOptions forward = options;
    forward.panels = 1;
    WriteRaw<double>(job.at("result").get<std::string>(), Predict(graph, shape, image, forward));
  }
  if (!job.contains("gradients")) return answer;
  const auto loss = MakeSlideLoss({.kind = SlideLossKind::kMse, .values = shape.size()});
  const Sample sample{&image, nullptr, std::vector<double>(static_cast<size_t>(shape.size()), 1.0)};
  const auto engine = MakeStreamingEngine(graph, loss.get(), image.width(), image.height(), options);
  const StepResult result = engine->Step(sample);
  std::vector<double> all;
  answer["sweeps"] = engine->plan().sweeps;
  answer["loss"] = result.loss.loss;
  answer["parameters"] = nlohmann::json::array();
  for (size_t p = 0; p < graph.parameters.size(); ++p) {
    if (result.gradients[p].empty()) continue;
    answer["parameters"].push_back(
        {{"name", graph.parameters[p].name}, {"size", result.gradients[p].size()}});
    all.insert(all.end(), result.gradients[p].begin(), result.gradients[p].end());
  }
  WriteRaw<double>(job.at("gradients").get<std::string>(), all);
  return answer;
}

}  // namespace
}  // namespace swath::test

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: run_model JOBS.json\n");
    return 2;
  }
  try {
    std::ifstream file(argv[1]);
    for (const nlohmann::json& job : nlohmann::json::parse(file)) {
      nlohmann::json answer;
      try {
        answer = swath::test::Run(job);
      } catch (const swath::Error& e) {
        answer = {{"error", e.what()}};
      }
      std::printf("%s\n", answer.dump().c_str());
      std::fflush(stdout);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "run_model: %s\n", e.what());
    return 1;
  }
  return 0;
}
