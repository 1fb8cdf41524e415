/// How many threads are enough.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>

namespace swath {

/// Of this machine, as many as this process may use; at least 1.
inline int64_t Processors() {
  return std::max<int64_t>(1, static_cast<int64_t>(std::thread::hardware_concurrency()));
}

}  // namespace swath
