#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "graph/safetensors_header.h"
#include "graph/weight_file.h"

namespace swath {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr int64_t kLengthBytes = 8;
/// The format's own limit.
constexpr uint64_t kMostHeaderBytes = 100'000'000;

float FromHalf(uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  float value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return bits >> 15 ? -value : value;
}

float FromBfloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

/// Values of type T, turned into floats by `convert`.
template <class T, class F>
std::vector<float> Convert(const std::string& bytes, F&& convert) {
  std::vector<float> values(bytes.size() / sizeof(T));
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = convert(value);
  }
  return values;
}

class Safetensors final : public WeightFile {
 public:
  explicit Safetensors(const std::string& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) Fail(ErrorCode::kInput, "is a folder");
    file_.open(path, std::ios::binary);
    if (!file_) Fail(ErrorCode::kInput, "cannot be opened: {}", std::strerror(errno));
    const int64_t size = file_.seekg(0, std::ios::end).tellg();
    uint64_t length = 0;
    if (size < kLengthBytes) Fail(ErrorCode::kInput, "is not a safetensors file: it has {} bytes", size);
    const std::string first = Bytes(0, kLengthBytes);
    std::memcpy(&length, first.data(), sizeof(length));
    if (length > kMostHeaderBytes || static_cast<int64_t>(length) > size - kLengthBytes) {
      Fail(ErrorCode::kInput,
           "is not a safetensors file, or is truncated: its header has {} bytes, of a file of {}", length,
           size);
    }
    data_ = kLengthBytes + static_cast<int64_t>(length);
    entries_ = ParseSafetensorsHeader(Bytes(kLengthBytes, static_cast<int64_t>(length)), size - data_);
    for (const SafetensorsEntry& entry : entries_) tensors_.push_back({entry.name, entry.dims});
  }

  const std::vector<StoredTensor>& tensors() const override { return tensors_; }

  std::vector<float> Read(size_t index) override {
    const SafetensorsEntry& entry = entries_[index];
    if (entry.type == SafetensorsType::kOther) {
      Fail(ErrorCode::kUnsupported, "tensor '{}' is of type {}, expected F32, F64, F16 or BF16", entry.name,
           entry.type_name);
    }
    std::vector<float> values = Decode(entry.type, Bytes(data_ + entry.begin, entry.end - entry.begin));
    const auto bad = std::find_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
      Fail(ErrorCode::kNumeric, "tensor '{}' has a value that is not finite in float32 (number {})",
           entry.name, bad - values.begin());
    }
    return values;
  }

 private:
  static std::vector<float> Decode(SafetensorsType type, const std::string& bytes) {
    if (type == SafetensorsType::kF16) return Convert<uint16_t>(bytes, FromHalf);
    if (type == SafetensorsType::kBf16) return Convert<uint16_t>(bytes, FromBfloat);
    if (type == SafetensorsType::kF64)
      return Convert<double>(bytes, [](double value) { return static_cast<float>(value); });
    return Convert<float>(bytes, [](float value) { return value; });
  }

  std::string Bytes(int64_t offset, int64_t count) {
    std::string bytes(static_cast<size_t>(count), '\0');
    if (!file_.seekg(offset) || !file_.read(bytes.data(), count))
      Fail(ErrorCode::kInput, "cannot be read: expected {} bytes from {} on", count, offset);
    return bytes;
  }

  std::ifstream file_;
  int64_t data_ = 0;  // where it begins
  std::vector<SafetensorsEntry> entries_;
  std::vector<StoredTensor> tensors_;
};

}  // namespace

std::unique_ptr<WeightFile> OpenSafetensors(const std::string& path) {
  return std::make_unique<Safetensors>(path);
}

}  // namespace swath
