/// Small pictures for people, written by rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace swath {

struct PngOptions {
  int64_t width = 0;  ///< in pixels
  int64_t height = 0;
  int64_t channels = 3;  ///< 3: RGB, 1: grey
};

/// Writes an 8-bit PNG from the top down. The file takes its name in Finish(); without it there is nothing
/// under `path`. Every failure throws Error(kOutput) that names `path`. Belongs to one thread at a time.
class PngWriter {
 public:
  PngWriter(const std::string& path, const PngOptions& options);
  ~PngWriter();
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;

  /// Appends `count` rows, [row, column, channel], tightly packed.
  void WriteRows(const uint8_t* rows, int64_t count);

  /// Call once, after exactly `height` rows.
  void Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace swath
