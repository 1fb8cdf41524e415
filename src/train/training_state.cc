#include "train/training_state.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <iterator>

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
uint64_t Hash(const char* data, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ static_cast<unsigned char>(data[i])) * 0x100000001b3u;
  return hash;
}

template <class T>
void Append(const std::vector<T>& values, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

template <class T>
std::vector<T> Take(size_t count, const char** bytes) {
  std::vector<T> values(count);
  if (count > 0) std::memcpy(values.data(), *bytes, count * sizeof(T));
  *bytes += count * sizeof(T);
  return values;
}

TrainingState Parse(const std::string& content) {
  const size_t end = content.find('\n');
  if (end == std::string::npos) throw std::runtime_error("it has no first line");
  const nlohmann::json header = nlohmann::json::parse(content.substr(0, end), nullptr, false);
  if (!header.is_object()) throw std::runtime_error("its first line is not JSON");
  if (header.at("format") != kFormat) throw std::runtime_error("it is of another format");
  if (header.at("version") != kVersion) {
    throw std::runtime_error(
        fmt::format("its version is {}, this program reads {}", header.at("version").dump(), kVersion));
  }
  TrainingState state{
      .step = header.at("step"), .seconds = header.at("seconds"), .best_step = header.at("best_step")};
  if (!header.at("best_score").is_null()) state.best_score = header.at("best_score").get<double>();
  state.settings = header.at("settings");
  state.optimizer.steps = header.at("optimizer_steps");
  const size_t count = header.at("weights"), moments = header.at("moments"), running = header.at("running");
  const size_t found = content.size() - end - 1;
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
  const char* bytes = content.data() + end + 1;
  if (header.at("hash") != Hash(bytes, found))
    throw std::runtime_error("its contents have changed since it was written");
  state.weights = Take<float>(count, &bytes);
  for (size_t i = 0; i < moments; ++i) state.optimizer.moments.push_back(Take<double>(count, &bytes));
  state.running = Take<float>(running, &bytes);
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

void WriteTrainingState(const std::string& path, const TrainingState& state) {
  std::string bytes;
  Append(state.weights, &bytes);
  for (const auto& moment : state.optimizer.moments) Append(moment, &bytes);
  Append(state.running, &bytes);
  const nlohmann::json header = {
      {"format", kFormat},
      {"version", kVersion},
      {"step", state.step},
      {"seconds", state.seconds},
      {"best_score", state.best_score ? nlohmann::json(*state.best_score) : nullptr},
      {"best_step", state.best_step},
      {"settings", state.settings},
      {"optimizer_steps", state.optimizer.steps},
      {"weights", state.weights.size()},
      {"moments", state.optimizer.moments.size()},
      {"running", state.running.size()},
      {"hash", Hash(bytes.data(), bytes.size())}};
  PendingFile pending(path);
  std::ofstream file(pending.temporary(), std::ios::binary);
  file << JsonText(header) << '\n' << bytes;
  file.close();
  if (!file) Fail(ErrorCode::kOutput, "{}: cannot be written", path);
  pending.Commit();
}

TrainingState ReadTrainingState(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: there is no run to continue", path);
  const std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  try {
    return Parse(content);
  } catch (const std::exception& e) {
    Fail(ErrorCode::kInput, "{}: not a training state: {}", path, e.what());
  }
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
