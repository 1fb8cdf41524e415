#include "graph/metadata.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/parse_number.h"
#include "swath/model.h"

namespace swath {
namespace {

const std::string* FindMetadata(const Graph& graph, const std::string& key) {
  const auto it = graph.metadata.find(key);
  return it == graph.metadata.end() ? nullptr : &it->second;
}

int64_t IntegerMetadata(const Graph& graph, const std::string& key, int64_t least, int64_t most) {
  const std::string& text = graph.metadata.at(key);
  const auto value = ParseNumber<int64_t>(text);
  if (!value || *value < least || *value > most) {
    Fail(ErrorCode::kInput, "metadata {} is '{}', expected a whole number from {} to {}", key, text, least,
         most);
  }
  return *value;
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string Trim(const std::string& text) {
  const size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

void ReplaceAll(const std::string& from, const std::string& to, std::string* text) {
  for (size_t at = text->find(from); at != std::string::npos; at = text->find(from, at + to.size())) {
    text->replace(at, from.size(), to);
  }
}

}  // namespace

std::string FormatNames(const std::vector<std::string>& names) {
  std::string text;
  for (std::string name : names) {
    ReplaceAll("%", "%25", &name);
    ReplaceAll(",", "%2C", &name);
    text += (text.empty() ? "" : ",") + name;
  }
  return text;
}

std::vector<std::string> ParseNames(const std::string& text) {
  if (text.empty()) return {};
  std::vector<std::string> names = Split(text);
  for (std::string& name : names) {
    ReplaceAll("%2C", ",", &name);
    ReplaceAll("%25", "%", &name);
  }
  return names;
}

void CheckMetadata(const Graph& graph) {
  if (FindMetadata(graph, kVersionKey) != nullptr) IntegerMetadata(graph, kVersionKey, 1, kNewestVersion);
  ModelClasses(graph);
  ModelExtension(graph);
  ModelMpp(graph);
  ModelMultiple(graph);
}

std::vector<std::string> ModelClasses(const Graph& graph) {
  const int64_t channels = OutputChannels(graph);
  const size_t count = static_cast<size_t>(std::max<int64_t>(channels, 2));
  const std::string* text = FindMetadata(graph, "swath.classes");
  if (text == nullptr) {
    if (channels == 1) return {"background", "foreground"};
    std::vector<std::string> names;
    for (size_t i = 0; i < count; ++i) names.push_back(fmt::format("class{}", i));
    return names;
  }
  std::vector<std::string> names = Split(*text);
  std::transform(names.begin(), names.end(), names.begin(), Trim);
  if (names.size() != count) {
    Fail(ErrorCode::kInput, "metadata swath.classes is '{}', expected {} names for {} output channel{}",
         *text, count, channels, channels == 1 ? "" : "s");
  }
  const std::set<std::string> distinct(names.begin(), names.end());
  if (distinct.size() != names.size() || distinct.count("") != 0) {
    Fail(ErrorCode::kInput, "metadata swath.classes is '{}', expected distinct names that are not empty",
         *text);
  }
  return names;
}

int ModelExtension(const Graph& graph) {
  if (FindMetadata(graph, "swath.extension") == nullptr) return 255;
  return static_cast<int>(IntegerMetadata(graph, "swath.extension", 0, 255));
}

std::optional<double> ModelMpp(const Graph& graph) {
  const std::string* text = FindMetadata(graph, kMppKey);
  if (text == nullptr) return std::nullopt;
  const auto mpp = ParseNumber<double>(*text);
  if (!mpp || !(*mpp > 0) || !std::isfinite(*mpp)) {
    Fail(ErrorCode::kInput, "metadata {} is '{}', expected micrometres a pixel, above 0", kMppKey, *text);
  }
  return mpp;
}

void SetModelMpp(std::optional<double> mpp, Graph* graph) {
  if (mpp) {
    graph->metadata[kMppKey] = fmt::format("{}", *mpp);
  } else {
    graph->metadata.erase(kMppKey);
  }
}

int64_t ModelMultiple(const Graph& graph) {
  if (FindMetadata(graph, "swath.multiple") == nullptr) return TotalStride(graph);
  return IntegerMetadata(graph, "swath.multiple", 1, int64_t{1} << 30);
}

}  // namespace swath
