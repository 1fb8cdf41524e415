#include "swath/weights.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/error.h"
#include "graph/trainable.h"
#include "graph/weight_file.h"
#include "graph/with_path.h"
#include "layers/layer.h"
#include "swath/model.h"

namespace swath {
namespace {

std::unique_ptr<WeightFile> Open(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".safetensors") return OpenSafetensors(path);
  if (extension == ".onnx") return OpenOnnxWeights(path);
  Fail(ErrorCode::kUsage, "weights are read from .safetensors and .onnx files, found '{}'", extension);
}

/// Indices of the parameters that a file may hold: weights and running statistics. Constants of formulae are
/// the network's own.
std::vector<size_t> Weights(const Graph& graph, const LoadWeightsOptions& options) {
  std::vector<bool> is_weight = TrainsByDefault(graph);
  for (const Node& node : graph.nodes) {
    if (node.layer->type() != "BatchNormalization") continue;
    for (const int p : node.parameters) is_weight[static_cast<size_t>(p)] = true;
  }
  std::vector<size_t> weights;
  for (size_t p = 0; p < is_weight.size(); ++p) {
    const auto begins = [&](const std::string& prefix) {
      return graph.parameters[p].name.starts_with(prefix);
    };
    if (is_weight[p] && std::none_of(options.skip.begin(), options.skip.end(), begins)) weights.push_back(p);
  }
  return weights;
}

/// The longest beginning, up to a dot, that all names share.
std::string CommonPrefix(const std::vector<StoredTensor>& tensors) {
  if (tensors.empty()) return "";
  std::string prefix = tensors[0].name;
  for (const StoredTensor& tensor : tensors) {
    const auto [end, ignored] =
        std::mismatch(prefix.begin(), prefix.end(), tensor.name.begin(), tensor.name.end());
    prefix.erase(end, prefix.end());
  }
  return prefix.substr(0, prefix.rfind('.') + 1);
}

/// The beginning of the file's names that makes most of them the network's. None, where that does as well.
std::string FindPrefix(const std::vector<StoredTensor>& tensors, const std::set<std::string>& wanted) {
  std::string best;
  int64_t most = -1;
  for (const std::string& prefix :
       {std::string(), std::string("module."), std::string("model."), CommonPrefix(tensors)}) {
    const int64_t matches = std::count_if(tensors.begin(), tensors.end(), [&](const StoredTensor& tensor) {
      return tensor.name.starts_with(prefix) && wanted.count(tensor.name.substr(prefix.size())) != 0;
    });
    if (matches <= most) continue;
    most = matches;
    best = prefix;
  }
  return best;
}

std::vector<int64_t> WithoutOnes(std::vector<int64_t> dims) {
  std::erase(dims, 1);
  return dims;
}

WeightReport Load(WeightFile* file, const LoadWeightsOptions& options, Graph* graph) {
  const std::vector<size_t> weights = Weights(*graph, options);
  std::set<std::string> wanted;
  for (const size_t p : weights) wanted.insert(graph->parameters[p].name);

  WeightReport report{.prefix = FindPrefix(file->tensors(), wanted)};
  std::map<std::string, size_t> stored;  // by name in the network
  for (size_t i = 0; i < file->tensors().size(); ++i) {
    const std::string& name = file->tensors()[i].name;
    const bool fits = name.starts_with(report.prefix);
    const std::string short_name = fits ? name.substr(report.prefix.size()) : name;
    if (fits && wanted.count(short_name) != 0) {
      stored[short_name] = i;
    } else {
      report.unused.push_back(name);
    }
  }
  for (const size_t p : weights) {
    Parameter& parameter = graph->parameters[p];
    const auto it = stored.find(parameter.name);
    if (it == stored.end()) {
      report.missing.push_back(parameter.name);
      continue;
    }
    const std::vector<int64_t>& dims = file->tensors()[it->second].dims;
    if (WithoutOnes(dims) != WithoutOnes(parameter.dims)) {
      report.different.push_back({.name = parameter.name, .expected = parameter.dims, .found = dims});
      continue;
    }
    parameter.values = file->Read(it->second);
    report.matched.push_back(parameter.name);
  }
  return report;
}

}  // namespace

WeightReport LoadWeights(Graph* graph, const std::string& path, const LoadWeightsOptions& options) {
  return WithPath(path, [&] {
    const auto file = Open(path);
    Graph loaded = *graph;
    WeightReport report = Load(file.get(), options, &loaded);
    ValidateGraph(loaded);
    *graph = std::move(loaded);
    return report;
  });
}

}  // namespace swath
