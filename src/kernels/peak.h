/// What this machine can do at most, to judge kernels by. Measured anew, in a fraction of a second each.
#pragma once

#include <cstdint>

namespace swath {

/// Fused multiply-adds of float32 a second, of all threads together, in registers.
double PeakMultiplyAdds(int64_t threads);

/// Bytes a second that all threads together copy between buffers beyond any cache: read, and written, each
/// byte counted once.
double CopyBandwidth(int64_t threads);

}  // namespace swath
