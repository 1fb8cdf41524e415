#include "train/output_bias.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "layers/layer.h"

namespace swath {
namespace {

constexpr int64_t kRowsAtOnce = 16;

const Node& OutputNode(const Graph& graph) {
  const auto node = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                 [&](const Node& candidate) { return candidate.dst == graph.output; });
  if (node == graph.nodes.end()) Fail(ErrorCode::kUnsupported, "{}: the network has no layer", graph.name);
  return *node;
}

/// Adds the labels of one mask to `counts`, by value.
void CountMask(RowSource* labels, std::array<int64_t, 256>* counts) {
  std::vector<uint8_t> rows(static_cast<size_t>(kRowsAtOnce * labels->width()));
  for (int64_t y = 0; y < labels->height(); y += kRowsAtOnce) {
    const Range range{y, std::min(y + kRowsAtOnce, labels->height())};
    labels->Read(range, rows.data());
    const size_t size = static_cast<size_t>(range.size() * labels->width());
    // Labels come in long runs: counting them run by run avoids one addition waiting for the other.
    for (size_t begin = 0, end = 0; begin < size; begin = end) {
      while (end < size && rows[end] == rows[begin]) ++end;
      (*counts)[rows[begin]] += static_cast<int64_t>(end - begin);
    }
  }
}

}  // namespace

std::vector<int64_t> CountLabels(const Dataset& dataset, Split split, int64_t classes, uint8_t ignore_label) {
  std::vector<int64_t> total(static_cast<size_t>(classes));
  for (const DatasetEntry* entry : dataset.Of(split)) {
    std::array<int64_t, 256> counts{};
    AtEntry(dataset, *entry, [&] { CountMask(OpenLabels(dataset, *entry, ignore_label).get(), &counts); });
    counts[ignore_label] = 0;
    for (size_t label = total.size(); label < counts.size(); ++label) {
      if (counts[label] == 0) continue;
      Fail(ErrorCode::kInput,
           "{}:{}: mask: {} has the label {}, expected 0 to {} (the network's classes) or {} (ignored)",
           dataset.path, entry->line, entry->mask, label, classes - 1, ignore_label);
    }
    if (std::accumulate(counts.begin(), counts.end(), int64_t{0}) == 0) {
      Fail(ErrorCode::kInput, "{}:{}: mask: {}: no pixel carries a label: all are ignored", dataset.path,
           entry->line, entry->mask);
    }
    for (size_t label = 0; label < total.size(); ++label) total[label] += counts[label];
  }
  return total;
}

void SetPriorBias(const std::vector<int64_t>& counts, const std::vector<double>& class_weights,
                  Graph* graph) {
  const Node& node = OutputNode(*graph);
  if (node.parameters.size() < 2 || (node.layer->type() != "Conv" && node.layer->type() != "ConvTranspose"))
    return;
  Parameter& bias = graph->parameters[static_cast<size_t>(node.parameters[1])];
  if (!bias.trainable) return;
  std::vector<double> weighted;
  for (size_t c = 0; c < counts.size(); ++c) {
    // One more of each, so that a class that does not occur stays finite.
    weighted.push_back(static_cast<double>(counts[c] + 1) * (class_weights.empty() ? 1 : class_weights[c]));
  }
  if (*std::min_element(weighted.begin(), weighted.end()) <= 0) return;
  if (bias.values.size() == 1) {
    bias.values[0] = static_cast<float>(std::log(weighted[1] / weighted[0]));
    return;
  }
  const double sum = std::accumulate(weighted.begin(), weighted.end(), 0.0);
  for (size_t c = 0; c < bias.values.size(); ++c)
    bias.values[c] = static_cast<float>(std::log(weighted[c] / sum));
}

}  // namespace swath
