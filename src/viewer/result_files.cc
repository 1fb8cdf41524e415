#include "viewer/result_files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <string_view>
#include <utility>

namespace swath::viewer {
namespace {

namespace fs = std::filesystem;

using Kind = ResultFile::Kind;

struct SplitName {
  std::string stem;
  std::string ending;  ///< in small letters, without ".ome"
};

SplitName Split(const fs::path& path) {
  SplitName name{path.stem().string(), path.extension().string()};
  std::transform(name.ending.begin(), name.ending.end(), name.ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.stem.ends_with(".ome")) name.stem.resize(name.stem.size() - 4);
  return name;
}

bool IsTiff(const std::string& ending) { return ending == ".tif" || ending == ".tiff"; }

bool IsAnnotations(const std::string& ending) {
  return ending == ".geojson" || ending == ".json" || ending == ".xml" || ending == ".ndpa";
}

/// What follows the slide's name, and where in the slide it is: _X_Y_WIDTHxHEIGHT.
std::optional<Region> TakeRegion(std::string* rest) {
  constexpr std::string_view kBefore = "___x";
  std::array<int64_t, kBefore.size()> values{};
  const char *at = rest->data(), *end = at + rest->size();
  for (size_t i = 0; i < values.size(); ++i) {
    if (at == end || *at != kBefore[i]) return std::nullopt;
    ++at;
    const auto [stop, error] = std::from_chars(at, end, values[i]);
    if (error != std::errc() || values[i] < 0 || *at == '-') return std::nullopt;
    at = stop;
  }
  rest->erase(0, static_cast<size_t>(at - rest->data()));
  return Region{values[0], values[1], values[2], values[3]};
}

/// By the part of the name after the slide's.
void Classify(std::string rest, const std::string& ending, ResultFile* file) {
  constexpr std::string_view kProbability = "_probability_";
  file->region = TakeRegion(&rest);
  if (IsAnnotations(ending) && (rest.empty() || rest.front() == '_' || rest.front() == '.')) {
    file->kind = Kind::kAnnotations;
  } else if (rest.starts_with("_mask") && (IsTiff(ending) || ending == ".png" || ending == ".npy")) {
    file->kind = Kind::kLabels;
  } else if (rest.starts_with(kProbability) && IsTiff(ending)) {
    file->kind = Kind::kProbability;
    file->class_name = rest.substr(kProbability.size());
  } else if (rest == "_attention" && IsTiff(ending)) {
    file->kind = Kind::kAttention;
  }
}

std::string NameOf(const std::string& path) { return fs::path(path).filename().string(); }

}  // namespace

std::optional<ResultFile> MatchResult(const std::string& path, const std::string& slide) {
  const SplitName name = Split(path);
  const fs::path slide_path(slide);
  for (const std::string& stem :
       {slide_path.filename().string(), slide_path.stem().string(), Split(slide_path).stem}) {
    if (!name.stem.starts_with(stem)) continue;
    ResultFile file{.path = path, .name = NameOf(path)};
    Classify(name.stem.substr(stem.size()), name.ending, &file);
    if (file.kind != Kind::kUnknown) return file;
  }
  return std::nullopt;
}

std::vector<ResultFile> FindResults(const std::string& folder, const std::string& slide) {
  std::vector<ResultFile> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::error_code error;
    if (!entry.is_regular_file(error) || fs::equivalent(entry.path(), slide, error)) continue;
    if (auto file = MatchResult(entry.path().string(), slide)) found.push_back(std::move(*file));
  }
  std::sort(found.begin(), found.end(),
            [](const ResultFile& a, const ResultFile& b) { return a.name < b.name; });
  return found;
}

ResultFile DescribeResult(const std::string& path) {
  const SplitName name = Split(path);
  ResultFile file{.path = path, .name = NameOf(path)};
  if (IsAnnotations(name.ending)) {
    file.kind = Kind::kAnnotations;
    return file;
  }
  for (const char* mark : {"_probability_", "_attention", "_mask"}) {
    const size_t at = name.stem.rfind(mark);
    if (at != std::string::npos && file.kind == Kind::kUnknown)
      Classify(name.stem.substr(at), name.ending, &file);
  }
  for (size_t at = name.stem.find('_'); at != std::string::npos; at = name.stem.find('_', at + 1)) {
    std::string rest = name.stem.substr(at);
    const std::optional<Region> region = TakeRegion(&rest);
    if (!region || !rest.starts_with('_')) continue;
    file.region = region;
    break;
  }
  return file;
}

}  // namespace swath::viewer
