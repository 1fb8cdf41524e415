/// Memory of this process as the operating system counts it.
#pragma once

#include <cstdint>

namespace swath {

int64_t PeakResidentBytes();

}  // namespace swath
