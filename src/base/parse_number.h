/// Text as a number.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace swath {

/// The whole text as a decimal number; nothing where it is none or does not fit.
template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

}  // namespace swath
