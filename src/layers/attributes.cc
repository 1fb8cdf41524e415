#include "layers/attributes.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace swath {
namespace {

template <class T>
const T& Expect(const AttributeValue& value, const std::string& name, const char* kind) {
  const T* typed = std::get_if<T>(&value);
  if (!typed) Fail(ErrorCode::kInput, "attribute '{}' is not {}", name, kind);
  return *typed;
}

}  // namespace

const AttributeValue* AttributeReader::Find(const std::string& name) {
  seen_[name] = true;
  const auto it = attributes_.find(name);
  return it == attributes_.end() ? nullptr : &it->second;
}

int64_t AttributeReader::Int(const std::string& name, int64_t fallback) {
  const AttributeValue* value = Find(name);
  return value ? Expect<int64_t>(*value, name, "an integer") : fallback;
}

double AttributeReader::Float(const std::string& name, double fallback) {
  const AttributeValue* value = Find(name);
  return value ? Expect<double>(*value, name, "a number") : fallback;
}

std::string AttributeReader::String(const std::string& name, const std::string& fallback) {
  const AttributeValue* value = Find(name);
  return value ? Expect<std::string>(*value, name, "a string") : fallback;
}

std::vector<int64_t> AttributeReader::Ints(const std::string& name, const std::vector<int64_t>& fallback,
                                           std::optional<size_t> count) {
  const AttributeValue* value = Find(name);
  if (!value) return fallback;
  const auto& ints = Expect<std::vector<int64_t>>(*value, name, "a list of integers");
  if (count && ints.size() != *count) {
    Fail(ErrorCode::kUnsupported,
         "attribute '{}' has {} values, expected {}: only two-dimensional images are supported", name,
         ints.size(), *count);
  }
  return ints;
}

void AttributeReader::Finish() const {
  for (const auto& [name, value] : attributes_) {
    if (!seen_.count(name)) Fail(ErrorCode::kUnsupported, "attribute '{}' is not supported", name);
  }
}

}  // namespace swath
