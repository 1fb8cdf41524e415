/// Loss and Dice without gradients: the logits come out of the engine as bytes, in order, and meet their labels.
#include <cstring>

#include "swath/model.h"
#include "swath/trainer.h"

namespace swath {
namespace {

constexpr int64_t kMostOutputBytes = int64_t{64} << 20;

}  // namespace

PlanOptions EvaluationPlan(const Graph& graph, int64_t width, int64_t height, PlanOptions options) {
  options.bytes_per_pixel = OutputChannels(graph) * static_cast<int64_t>(sizeof(float));
  options.strips = 0;
  if (MakePlan(graph, nullptr, width, height, options).output_bytes > kMostOutputBytes) options.threads = 1;
  return options;
}

Loss::Value Evaluate(StreamingEngine* engine, const Loss& loss, int64_t logits, const Sample& sample,
                     const Progress& progress) {
  const int64_t width = engine->plan().width;
  const int64_t row_values = logits * width;
  const auto to_bytes = [&](const float* const* row, int64_t n, uint8_t* bytes) {
    for (int64_t c = 0; c < logits; ++c) {
      std::memcpy(bytes + c * n * static_cast<int64_t>(sizeof(float)), row[c], static_cast<size_t>(n) * sizeof(float));
    }
  };
  std::vector<double> sums(static_cast<size_t>(loss.sums()));
  std::vector<std::byte> scratch(static_cast<size_t>(loss.scratch_bytes(width)));
  std::vector<float> values(static_cast<size_t>(row_values));
  std::vector<uint8_t> row_labels(static_cast<size_t>(width));
  std::vector<const float*> rows;
  for (int64_t c = 0; c < logits; ++c) rows.push_back(values.data() + c * width);
  const auto labels = sample.labels->Clone();
  const auto sink = [&](Range range, const uint8_t* bytes) {
    for (int64_t y = range.begin; y < range.end; ++y, bytes += values.size() * sizeof(float)) {
      std::memcpy(values.data(), bytes, values.size() * sizeof(float));
      labels->Read({y, y + 1}, row_labels.data());
      loss.Row(LossRow<float>{.logits = rows.data(), .labels = row_labels.data(), .width = width}, sums.data(),
               scratch.data());
    }
  };
  engine->Predict(*sample.image, to_bytes, sink, progress);
  return loss.Finish(sums.data());
}

double MeanDice(const Loss::Value& value) {
  double sum = 0;
  for (const auto& overlap : value.overlap) sum += overlap.Dice();
  return sum / static_cast<double>(value.overlap.size());
}

}  // namespace swath
