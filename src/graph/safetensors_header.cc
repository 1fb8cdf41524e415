#include "graph/safetensors_header.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"

namespace swath {
namespace {

using Json = nlohmann::json;

constexpr char kMetadata[] = "__metadata__";
/// {name: {"shape": [
constexpr int kDeepest = 3;
/// So that sizes in bytes cannot overflow.
constexpr int64_t kMostValues = int64_t{1} << 40;

/// Parses, and refuses what nlohmann would let pass: names that are given twice, and nesting that is none of
/// this format's.
Json Parse(std::string_view text) {
  std::vector<std::set<std::string>> names;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) {
      if (depth >= kDeepest) Fail(ErrorCode::kInput, "the header is nested too deeply");
      names.emplace_back();
    } else if (event == Json::parse_event_t::object_end) {
      names.pop_back();
    } else if (event == Json::parse_event_t::array_start) {
      if (depth >= kDeepest) Fail(ErrorCode::kInput, "the header is nested too deeply");
    } else if (event == Json::parse_event_t::key) {
      const std::string& name = value.get_ref<const std::string&>();
      if (!names.back().insert(name).second)
        Fail(ErrorCode::kInput, "the header has the name '{}' twice", name);
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), check, /*allow_exceptions=*/false);
  if (!json.is_object()) Fail(ErrorCode::kInput, "the header is not a JSON object");
  return json;
}

/// A list of whole numbers, at least 0; of `count` ones, where that is given.
std::vector<int64_t> Numbers(const std::string& name, const Json& entry, const char* key, int count = -1) {
  const auto it = entry.find(key);
  std::vector<int64_t> numbers;
  bool valid = it != entry.end() && it->is_array() && (count < 0 || it->size() == static_cast<size_t>(count));
  for (size_t i = 0; valid && i < it->size(); ++i) {
    const Json& number = (*it)[i];
    valid = number.is_number_unsigned() && number.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX);
    if (valid) numbers.push_back(number.get<int64_t>());
  }
  if (!valid) Fail(ErrorCode::kInput, "tensor '{}': {} is not a list of whole numbers", name, key);
  return numbers;
}

/// Bytes of a value; 0 for types of this format that are unknown here.
int64_t Bytes(const std::string& type) {
  static const std::map<std::string, int64_t> bytes = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8}, {"U64", 8}, {"I32", 4},
      {"U32", 4}, {"I16", 2}, {"U16", 2}, {"I8", 1},   {"U8", 1},  {"BOOL", 1}};
  const auto it = bytes.find(type);
  return it == bytes.end() ? 0 : it->second;
}

SafetensorsType TypeOf(const std::string& name) {
  if (name == "F64") return SafetensorsType::kF64;
  if (name == "F32") return SafetensorsType::kF32;
  if (name == "F16") return SafetensorsType::kF16;
  return name == "BF16" ? SafetensorsType::kBf16 : SafetensorsType::kOther;
}

void CheckSize(const SafetensorsEntry& entry) {
  int64_t count = 1;
  for (const int64_t dim : entry.dims) {
    if (dim > kMostValues || (dim > 0 && count > kMostValues / dim)) {
      Fail(ErrorCode::kInput, "tensor '{}' has dimensions [{}], too large to be true", entry.name,
           fmt::join(entry.dims, ", "));
    }
    count *= dim;
  }
  const int64_t bytes = Bytes(entry.type_name);
  if (entry.begin <= entry.end && (bytes == 0 || entry.end - entry.begin == count * bytes)) return;
  Fail(ErrorCode::kInput, "tensor '{}' of type {} and dimensions [{}] has bytes {} to {}, expected {}",
       entry.name, entry.type_name, fmt::join(entry.dims, ", "), entry.begin, entry.end, count * bytes);
}

SafetensorsEntry Entry(const std::string& name, const Json& value) {
  const auto type = value.find("dtype");
  if (!value.is_object() || type == value.end() || !type->is_string())
    Fail(ErrorCode::kInput, "tensor '{}' has no dtype", name);
  const std::vector<int64_t> offsets = Numbers(name, value, "data_offsets", 2);
  const std::string type_name = type->get<std::string>();
  const SafetensorsEntry entry = {.name = name,
                                  .type = TypeOf(type_name),
                                  .type_name = type_name,
                                  .dims = Numbers(name, value, "shape"),
                                  .begin = offsets[0],
                                  .end = offsets[1]};
  CheckSize(entry);
  return entry;
}

}  // namespace

int64_t SafetensorsEntry::size() const {
  int64_t count = 1;
  for (const int64_t dim : dims) count *= dim;
  return count;
}

std::vector<SafetensorsEntry> ParseSafetensorsHeader(std::string_view json, int64_t data_bytes) {
  std::vector<SafetensorsEntry> entries;
  const Json header = Parse(json);
  for (const auto& [name, value] : header.items()) {
    if (name != kMetadata) entries.push_back(Entry(name, value));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  int64_t next = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != next) {
      Fail(ErrorCode::kInput, "tensor '{}' begins at byte {}, expected {}: tensors {}", entry.name,
           entry.begin, next, entry.begin < next ? "overlap" : "leave a gap");
    }
    next = entry.end;
    if (next > data_bytes) {
      Fail(ErrorCode::kInput, "tensor '{}' ends at byte {}, but the file has {} bytes of data", entry.name,
           next, data_bytes);
    }
  }
  if (next != data_bytes)
    Fail(ErrorCode::kInput, "the file has {} bytes of data, expected {}", data_bytes, next);
  return entries;
}

}  // namespace swath
