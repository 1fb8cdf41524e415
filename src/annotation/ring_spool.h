/// Rings put aside until the area that they are holes of has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/unnamed_file.h"
#include "swath/annotation.h"

namespace swath {

/// Lists of rings with whole coordinates, as many as there may be: what does not fit into a buffer lies in an
/// unnamed temporary file. Memory is that buffer.
class RingSpool {
 public:
  /// `beside` is the file whose folder holds the temporary file; nothing is created before it is needed.
  explicit RingSpool(std::string beside) : beside_(std::move(beside)) {}

  struct List {
    int64_t first = -1;  ///< where its first and last record lie
    int64_t last = -1;
    int64_t rings = 0;
    int64_t points = 0;
  };

  void Append(const Ring& ring, List* list);
  /// `from` becomes a part of `into`.
  void Join(const List& from, List* into);
  void ForEach(const List& list, const std::function<void(const Ring&)>& use) const;
  /// The list is not needed any more.
  void Free(const List& list);

 private:
  struct Record {
    int64_t next;
    int64_t points;
  };
  struct Corner {
    int32_t x, y;
  };

  void Write(int64_t at, const void* bytes, size_t size);
  void Read(int64_t at, void* bytes, size_t size) const;

  std::string beside_;
  std::optional<UnnamedFile> file_;
  int64_t in_file_ = 0;  ///< bytes; what lies behind them is in the buffer
  std::vector<uint8_t> buffer_;
  int64_t rings_ = 0;  ///< that are needed
};

}  // namespace swath
