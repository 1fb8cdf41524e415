/// Throwing an Error with a formatted message, in one line at the place that finds the fault.
#pragma once

#include <fmt/format.h>

#include <utility>

#include "swath/error.h"

namespace swath {

template <class... Args>
[[noreturn]] void Fail(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(code, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace swath
