/// What tells whether a file is the same as another: its size and its SHA-256.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace swath {

/// SHA-256 of some bytes, in hexadecimal digits.
std::string Sha256(const std::string& bytes);

struct FileDigest {
  int64_t bytes = 0;
  std::string sha256;    ///< hexadecimal; empty where it was not asked for
  int64_t modified = 0;  ///< seconds since 1970; of several files the latest
  int64_t files = 1;
};

/// Size and time of a file without reading it. A folder counts with all files in it, and so does the folder
/// beside an MRXS file that has its name. Throws Error (kInput).
FileDigest FileFacts(const std::string& path);

/// The same with the SHA-256: of one file that of its bytes, as sha256sum prints it; of several that of the
/// text that sha256sum prints for them, sorted by their names relative to the folder of `path`. Reads
/// everything; `progress` is told of the bytes read so far. Throws Error (kInput).
FileDigest DigestFile(const std::string& path, const std::function<void(int64_t bytes)>& progress = {});

}  // namespace swath
