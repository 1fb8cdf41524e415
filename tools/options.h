/// What several subcommands read from their options.
#pragma once

#include <cstdint>
#include <string>

namespace swath::tools {

struct Size {
  int64_t width = 0;
  int64_t height = 0;
};

/// "WIDTHxHEIGHT" in pixels. Throws Error (kUsage) that names the option.
Size ParseSize(const std::string& option, const std::string& text);

/// "12.3 MiB" and the like.
std::string Bytes(int64_t bytes);

}  // namespace swath::tools
