/// Messages about files.
#pragma once

#include <algorithm>
#include <string>

#include "base/error.h"

namespace swath {

/// Runs `function`; an Error gets the path in front, in one line: names in a file may hold anything.
template <class F>
auto WithPath(const std::string& path, F&& function) {
  try {
    return function();
  } catch (const Error& e) {
    std::string message = fmt::format("{}: {}", path, e.what());
    std::replace_if(
        message.begin(), message.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
    throw Error(e.code(), message);
  }
}

}  // namespace swath
