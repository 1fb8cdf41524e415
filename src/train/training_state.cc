#include "train/training_state.h"

#include <algorithm>
#include <bit>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/json_text.h"
#include "base/pending_file.h"
#include "layers/layer.h"

namespace swath {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the training state is written as it lies in memory");

constexpr char kFormat[] = "swath training state";
constexpr int kVersion = 2;

/// FNV-1a, to tell a damaged file.
class Hash {
 public:
  void Add(const void* data, size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < size; ++i) value_ = (value_ ^ bytes[i]) * 0x100000001b3u;
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

template <class T>
std::vector<T> Take(size_t count, std::istream* file, Hash* hash) {
  std::vector<T> values(count);
  const size_t bytes = count * sizeof(T);
  file->read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(bytes));
  hash->Add(values.data(), bytes);
  return values;
}

TrainingState Parse(std::istream* file) {
  std::string line;
  if (!std::getline(*file, line) || file->eof()) throw std::runtime_error("it has no first line");
  const nlohmann::json header = nlohmann::json::parse(line, nullptr, false);
  if (!header.is_object()) throw std::runtime_error("its first line is not JSON");
  if (header.at("format") != kFormat) throw std::runtime_error("it is of another format");
  if (header.at("version") != kVersion) {
    throw std::runtime_error(
        fmt::format("its version is {}, this program reads {}", header.at("version").dump(), kVersion));
  }
  TrainingState state{.progress = {.step = header.at("step"),
                                   .seconds = header.at("seconds"),
                                   .best_score = {},
                                   .best_step = header.at("best_step"),
                                   .settings = header.at("settings")},
                      .weights = {},
                      .optimizer = {},
                      .running = {}};
  if (!header.at("best_score").is_null()) state.progress.best_score = header.at("best_score").get<double>();
  state.optimizer.steps = header.at("optimizer_steps");
  const size_t count = header.at("weights"), moments = header.at("moments"), running = header.at("running");
  const auto begin = file->tellg();
  const size_t found = static_cast<size_t>(file->seekg(0, std::ios::end).tellg() - begin);
  file->seekg(begin);
  // Divided rather than multiplied: a damaged header must not overflow.
  const size_t each = sizeof(float) + std::min<size_t>(moments, 2) * sizeof(double);
  const bool fits = moments <= 2 && running <= found / sizeof(float) &&
                    (found - running * sizeof(float)) % each == 0 &&
                    (found - running * sizeof(float)) / each == count;
  if (!fits) {
    throw std::runtime_error(
        fmt::format("expected {} weights with {} moments and {} running statistics, found {} bytes", count,
                    moments, running, found));
  }
  Hash hash;
  state.weights = Take<float>(count, file, &hash);
  for (size_t i = 0; i < moments; ++i) state.optimizer.moments.push_back(Take<double>(count, file, &hash));
  state.running = Take<float>(running, file, &hash);
  if (!*file || header.at("hash") != hash.value())
    throw std::runtime_error("its contents have changed since it was written");
  return state;
}

/// Of two lists the first elements that differ, down to what is no list; null for one that is not there.
std::pair<nlohmann::json, nlohmann::json> FirstDifference(const nlohmann::json& a, const nlohmann::json& b) {
  if (!a.is_array() || !b.is_array()) return {a, b};
  const size_t common = std::min(a.size(), b.size());
  for (size_t i = 0; i < common; ++i) {
    if (a[i] != b[i]) return FirstDifference(a[i], b[i]);
  }
  return {common < a.size() ? a[common] : nlohmann::json(), common < b.size() ? b[common] : nlohmann::json()};
}

/// Calls f with every parameter that is a running statistic which training brings up to date.
template <class AnyGraph, class F>
void ForEachRunning(AnyGraph& graph, F&& f) {
  for (const Node& node : graph.nodes) {
    const auto* layer = dynamic_cast<const NormalizationLayer*>(node.layer.get());
    if (!layer || !layer->updates_running()) continue;
    for (const size_t i : {2, 3}) f(graph.parameters[static_cast<size_t>(node.parameters[i])]);
  }
}

}  // namespace

void WriteTrainingState(const std::string& path, const TrainingProgress& progress,
                        std::span<const std::span<const float>> weights, const OptimizerState& optimizer,
                        const std::vector<float>& running) {
  const auto for_each_part = [&](const auto& f) {
    for (const auto& part : weights) f(part.data(), part.size_bytes());
    for (const auto& moment : optimizer.moments) f(moment.data(), moment.size() * sizeof(double));
    f(running.data(), running.size() * sizeof(float));
  };
  Hash hash;
  for_each_part([&](const void* data, size_t size) { hash.Add(data, size); });
  size_t count = 0;
  for (const auto& part : weights) count += part.size();
  const nlohmann::json header = {
      {"format", kFormat},
      {"version", kVersion},
      {"step", progress.step},
      {"seconds", progress.seconds},
      {"best_score", progress.best_score ? nlohmann::json(*progress.best_score) : nullptr},
      {"best_step", progress.best_step},
      {"settings", progress.settings},
      {"optimizer_steps", optimizer.steps},
      {"weights", count},
      {"moments", optimizer.moments.size()},
      {"running", running.size()},
      {"hash", hash.value()}};
  PendingFile pending(path);
  std::ofstream file(pending.temporary(), std::ios::binary);
  file << JsonText(header) << '\n';
  for_each_part([&](const void* data, size_t size) {
    file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  });
  file.close();
  if (!file) Fail(ErrorCode::kOutput, "{}: cannot be written", path);
  pending.Commit();
}

TrainingState ReadTrainingState(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: there is no run to continue", path);
  try {
    return Parse(&file);
  } catch (const std::exception& e) {
    Fail(ErrorCode::kInput, "{}: not a training state: {}", path, e.what());
  }
}

std::vector<std::span<const float>> TrainableSpans(const Graph& graph) {
  std::vector<std::span<const float>> spans;
  for (const Parameter& parameter : graph.parameters) {
    if (parameter.trainable) spans.emplace_back(parameter.values);
  }
  return spans;
}

std::vector<float> TrainableValues(const Graph& graph) {
  std::vector<float> values;
  for (const Parameter& parameter : graph.parameters) {
    if (parameter.trainable) values.insert(values.end(), parameter.values.begin(), parameter.values.end());
  }
  return values;
}

void SetTrainableValues(const std::vector<float>& values, Graph* graph) {
  if (static_cast<int64_t>(values.size()) != graph->trainable_size()) {
    Fail(ErrorCode::kInput, "the training state has {} weights, the network {}", values.size(),
         graph->trainable_size());
  }
  const float* next = values.data();
  for (Parameter& parameter : graph->parameters) {
    if (!parameter.trainable) continue;
    std::copy_n(next, parameter.values.size(), parameter.values.begin());
    next += parameter.values.size();
  }
}

std::vector<float> RunningStatistics(const Graph& graph) {
  std::vector<float> values;
  ForEachRunning(graph,
                 [&](const Parameter& p) { values.insert(values.end(), p.values.begin(), p.values.end()); });
  return values;
}

void SetRunningStatistics(const std::vector<float>& values, Graph* graph) {
  if (values.size() != RunningStatistics(*graph).size()) {
    Fail(ErrorCode::kInput, "the training state has {} running statistics, the network {}", values.size(),
         RunningStatistics(*graph).size());
  }
  const float* next = values.data();
  ForEachRunning(*graph, [&](Parameter& p) {
    std::copy_n(next, p.values.size(), p.values.begin());
    next += p.values.size();
  });
}

uint64_t HashOfFixedValues(const Graph& graph) {
  std::set<const Parameter*> running;
  ForEachRunning(graph, [&](const Parameter& p) { running.insert(&p); });
  Hash hash;
  for (const Parameter& p : graph.parameters) {
    if (p.trainable || running.count(&p) != 0) continue;
    hash.Add(p.values.data(), p.values.size() * sizeof(float));
  }
  return hash.value();
}

void CheckSettings(const std::string& path, const nlohmann::json& run, const nlohmann::json& given) {
  // As a state writes it: names that are not UTF-8 are replaced there.
  const nlohmann::json now = nlohmann::json::parse(JsonText(given));
  for (const auto& [name, value] : now.items()) {
    const nlohmann::json before = run.value(name, nlohmann::json());
    if (before == value) continue;
    const auto [was, is] = FirstDifference(before, value);
    Fail(ErrorCode::kInput, "{}: the run cannot be continued with another {}: it began with {}, now {}", path,
         name, JsonText(was), JsonText(is));
  }
}

}  // namespace swath
