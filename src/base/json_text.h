/// JSON as text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace swath {

/// File names need not be UTF-8, JSON must be: bytes that are not are replaced.
template <class Json>
std::string JsonText(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace swath
