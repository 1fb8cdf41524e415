/// The header of a safetensors file: 8 bytes of length, little-endian, then JSON that says where each tensor
/// lies in the bytes that follow (https://github.com/huggingface/safetensors).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace swath {

enum class SafetensorsType { kF64, kF32, kF16, kBf16, kOther };

struct SafetensorsEntry {
  std::string name;
  SafetensorsType type = SafetensorsType::kOther;
  std::string type_name;
  std::vector<int64_t> dims;
  int64_t begin = 0, end = 0;  ///< bytes after the header

  /// Number of values.
  int64_t size() const;
};

/// Checks everything that can be known without the values: names once, sizes that fit types, and tensors that
/// cover `data_bytes` without gaps or overlaps. Throws Error (kInput). In the order of the data.
std::vector<SafetensorsEntry> ParseSafetensorsHeader(std::string_view json, int64_t data_bytes);

}  // namespace swath
