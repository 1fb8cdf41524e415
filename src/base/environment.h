/// Where and how this process runs, for the record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swath {

struct Environment {
  std::string version;               ///< of Swath
  std::string compiler;              ///< that built it
  std::vector<std::string> command;  ///< of the process, word by word
  std::string folder;                ///< that it works in
  std::string processor;             ///< its maker's name for it; empty where the system does not say
  int64_t processors = 0;            ///< that this process may use
  int64_t memory_bytes = 0;          ///< of the machine
  std::string system;                ///< "Linux 6.1.0 x86_64"
};

Environment ReadEnvironment();

/// "2026-11-27T00:13:05Z".
std::string UtcTime(int64_t seconds_since_1970);

/// The words as a shell takes them, quoted where they have to be.
std::string ShellLine(const std::vector<std::string>& words);

}  // namespace swath
