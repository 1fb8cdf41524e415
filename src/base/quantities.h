/// Amounts as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace swath {

/// "12.3 MiB" and the like.
std::string Bytes(int64_t bytes);

/// "1 strip", "2 strips".
std::string Plural(int64_t count, const char* thing);

/// "12 s", "3 min 05 s", "2 h 10 min".
std::string Duration(double seconds);

}  // namespace swath
