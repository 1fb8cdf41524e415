#include "graph/architectures/option_reader.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace swath {

std::string_view ArchitectureName(std::string_view name) { return name.substr(0, name.find(':')); }

OptionReader::OptionReader(std::string_view name) : name_(ArchitectureName(name)) {
  if (name_.size() == name.size()) return;
  std::string_view rest = name.substr(name_.size() + 1);
  for (bool more = true; more;) {
    const size_t comma = rest.find(',');
    const std::string_view option = rest.substr(0, comma);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    const size_t equals = option.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == option.size())
      Fail(ErrorCode::kUsage, "{}: option '{}', expected name=value", name_, option);
    const std::string key(option.substr(0, equals));
    if (!values_.emplace(key, option.substr(equals + 1)).second)
      Fail(ErrorCode::kUsage, "{}: option {} is given twice", name_, key);
  }
}

const std::string* OptionReader::Find(const std::string& option) {
  known_.push_back(option);
  const auto it = values_.find(option);
  return it == values_.end() ? nullptr : &it->second;
}

int64_t OptionReader::Integer(const std::string& option, int64_t fallback, int64_t least, int64_t most) {
  const std::string* text = Find(option);
  if (text == nullptr) return fallback;
  int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < least || value > most) {
    Fail(ErrorCode::kUsage, "{}: option {} is '{}', expected a whole number from {} to {}", name_, option,
         *text, least, most);
  }
  return value;
}

size_t OptionReader::Choice(const std::string& option, const std::vector<std::string>& choices) {
  const std::string* text = Find(option);
  if (text == nullptr) return 0;
  const auto it = std::find(choices.begin(), choices.end(), *text);
  if (it == choices.end()) {
    Fail(ErrorCode::kUsage, "{}: option {} is '{}', expected one of {}", name_, option, *text,
         fmt::join(choices, ", "));
  }
  return static_cast<size_t>(it - choices.begin());
}

void OptionReader::Finish() const {
  for (const auto& [option, value] : values_) {
    if (std::find(known_.begin(), known_.end(), option) != known_.end()) continue;
    if (known_.empty()) Fail(ErrorCode::kUsage, "{}: option '{}', expected none", name_, option);
    Fail(ErrorCode::kUsage, "{}: no option is named '{}'; there are {}", name_, option,
         fmt::join(known_, ", "));
  }
}

}  // namespace swath
