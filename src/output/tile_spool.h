/// Compressed tiles of the lower levels, kept on disk until their turn comes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unnamed_file.h"

namespace swath {

/// Bytes put aside beside the target file. libtiff writes one directory at a time, while all levels of a
/// pyramid grow together.
class TileSpool {
 public:
  struct Entry {
    int64_t offset = 0;
    int64_t size = 0;
  };

  /// `target` is the file that the tiles are for. Throws Error(kOutput) if nothing can be created beside it.
  explicit TileSpool(const std::string& target);

  Entry Append(const std::vector<uint8_t>& bytes);
  std::vector<uint8_t> Read(const Entry& entry) const;

 private:
  UnnamedFile file_;
  int64_t end_ = 0;
};

}  // namespace swath
