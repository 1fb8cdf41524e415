/// Memory of this process as the operating system counts it.
#pragma once

#include <cstdint>

namespace swath {

/// The largest resident set so far.
int64_t PeakResidentBytes();

/// The resident set now.
int64_t ResidentBytes();

}  // namespace swath
