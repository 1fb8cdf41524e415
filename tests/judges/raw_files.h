/// Files that a judge in another language reads without a library: raw little-endian arrays beside a JSON.
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>

namespace swath::test {

template <class T>
void WriteRaw(const std::filesystem::path& path, std::span<const T> values) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

inline void WriteJson(const std::filesystem::path& path, const nlohmann::json& json) {
  const std::string text = json.dump(1);
  WriteRaw(path, std::span<const char>(text));
}

}  // namespace swath::test
