#include "tools/options.h"

#include <charconv>

#include "base/error.h"

namespace swath::tools {

Size ParseSize(const std::string& option, const std::string& text) {
  Size size;
  const char* end = text.data() + text.size();
  const auto width = std::from_chars(text.data(), end, size.width);
  const bool cross = width.ec == std::errc() && width.ptr != end && *width.ptr == 'x';
  const auto height = cross ? std::from_chars(width.ptr + 1, end, size.height) : width;
  if (!cross || height.ec != std::errc() || height.ptr != end || size.width < 1 || size.height < 1) {
    Fail(ErrorCode::kUsage, "{}: '{}' is not WIDTHxHEIGHT in pixels, such as 16000x64000", option, text);
  }
  return size;
}

std::string Bytes(int64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (b >= 1024.0 * 1024 * 1024) return fmt::format("{:.2f} GiB", b / (1024.0 * 1024 * 1024));
  if (b >= 1024.0 * 1024) return fmt::format("{:.1f} MiB", b / (1024.0 * 1024));
  return fmt::format("{:.1f} KiB", b / 1024);
}

}  // namespace swath::tools
