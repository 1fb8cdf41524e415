/// Logits that wait on disk: panels follow one another, rows are handed over whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/unnamed_file.h"
#include "swath/graph.h"
#include "swath/range.h"

namespace swath {

/// In an unnamed file in $TMPDIR or else /tmp, 4 bytes a logit: [row, class, column].
class LogitSpool {
 public:
  /// For the logits of the image called `name`, all of them. Throws Error (kOutput), as Write and Read do.
  LogitSpool(const Shape& logits, const std::string& name);

  /// Some columns of row `y`, [class] -> columns.size() values. From several threads.
  void Write(int64_t y, Range columns, const float* const* logits);
  /// Into the same columns of a whole row, [class, column].
  void Read(int64_t y, Range columns, float* row) const;

 private:
  int64_t Offset(int64_t y, int64_t channel, int64_t x) const;

  Shape shape_;
  UnnamedFile file_;
};

}  // namespace swath
