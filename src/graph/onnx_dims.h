/// Dimensions of ONNX tensors, and what operators that move no values make of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swath {

/// The number of values. Throws Error (kUnsupported) for negative dimensions, and beyond 2^62.
int64_t Product(const std::vector<int64_t>& dims);

/// "[1, 3, 5, 7]"
std::string Joined(const std::vector<int64_t>& dims);

/// `axis` counted from the first of `rank`; ONNX counts negative ones from the last. Throws Error (kInput).
int64_t NormalAxis(int64_t axis, size_t rank);

/// Of two operands, as NumPy broadcasts them. Throws Error (kInput) where they do not fit.
std::vector<int64_t> BroadcastDims(const std::vector<int64_t>& a, const std::vector<int64_t>& b);

// All throw Error (kInput, kUnsupported) for what does not fit.

/// Reshape: 0 copies a dimension, or with `allow_zero` is one of none; -1, once, is what is left.
std::vector<int64_t> ReshapedDims(const std::vector<int64_t>& dims, std::vector<int64_t> wanted,
                                  bool allow_zero);
std::vector<int64_t> FlattenedDims(const std::vector<int64_t>& dims, int64_t axis);
/// Without the axes named, or without all of 1 where there are none.
std::vector<int64_t> SqueezedDims(const std::vector<int64_t>& dims, std::vector<int64_t> axes);
std::vector<int64_t> UnsqueezedDims(const std::vector<int64_t>& dims, std::vector<int64_t> axes);

}  // namespace swath
