#include "slide/detect.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

#include "base/error.h"

namespace swath {

Container DetectContainer(const std::string& path) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found) {
    Fail(ErrorCode::kInput, "{}: expected an image, found no such file", path);
  }
  if (problem) Fail(ErrorCode::kInput, "{}: {}", path, problem.message());
  if (status.type() == std::filesystem::file_type::directory) {
    Fail(ErrorCode::kInput, "{}: expected an image, found a folder", path);
  }
  if (status.type() != std::filesystem::file_type::regular) {
    Fail(ErrorCode::kInput, "{}: expected an image, found something that is not a regular file", path);
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail(ErrorCode::kInput, "{}: cannot be opened: {}", path, std::strerror(errno));
  char bytes[8] = {};
  file.read(bytes, sizeof bytes);
  const std::string_view head(bytes, static_cast<size_t>(file.gcount()));
  if (head.empty()) Fail(ErrorCode::kInput, "{}: expected an image, found an empty file", path);
  using namespace std::string_view_literals;
  for (const auto magic : {"II*\0"sv, "MM\0*"sv, "II+\0"sv, "MM\0+"sv}) {
    if (head.starts_with(magic)) return Container::kTiff;
  }
  if (head.starts_with("\x89PNG\r\n\x1a\n"sv)) return Container::kPng;
  if (head.starts_with("\xff\xd8\xff"sv)) return Container::kJpeg;
  if (head.starts_with("\x93NUMPY"sv)) return Container::kNpy;
  if (IsDicom(path)) return Container::kDicom;
  return Container::kOther;
}

bool IsDicom(const std::string& path) {
  constexpr int kPreambleBytes = 128;
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.seekg(kPreambleBytes);
  file.read(magic, sizeof magic);
  return file && std::string_view(magic, sizeof magic) == "DICM";
}

}  // namespace swath
