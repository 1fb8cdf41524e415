/// Compressed tiles of the lower levels, kept on disk until their turn comes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace swath {

/// Bytes put aside beside the target file. libtiff writes one directory at a time, while all levels of a
/// pyramid grow together. The spool has no name in the file system once open, so that nothing is left behind,
/// whatever happens.
class TileSpool {
 public:
  struct Entry {
    int64_t offset = 0;
    int64_t size = 0;
  };

  /// `target` is the file that the tiles are for. Throws Error(kOutput) if nothing can be created beside it.
  explicit TileSpool(const std::string& target);
  ~TileSpool();
  TileSpool(const TileSpool&) = delete;
  TileSpool& operator=(const TileSpool&) = delete;

  Entry Append(const std::vector<uint8_t>& bytes);
  std::vector<uint8_t> Read(const Entry& entry);

 private:
  [[noreturn]] void FailNow(const char* what) const;

  std::string target_;
  std::FILE* file_ = nullptr;
  int64_t end_ = 0;
};

}  // namespace swath
