/// The rows of an image that decodes only from the top down, for several readers.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/unnamed_file.h"
#include "swath/range.h"

namespace swath {

/// Gives the rows of an image one after the other, once. After it has thrown nothing is asked of it.
class RowDecoder {
 public:
  virtual ~RowDecoder() = default;
  virtual int64_t buffer_bytes() const = 0;
  virtual void Next(uint8_t* row) = 0;
};

/// Starts at the top.
using RowDecoderFactory = std::function<std::unique_ptr<RowDecoder>()>;

/// An image of up to this many decoded bytes is kept in memory.
inline constexpr int64_t kMaxKeptBytes = int64_t{64} << 20;

/// Decodes an image once and keeps its rows for all readers: a larger image in an unnamed file in the
/// temporary folder, from where they are read back. A lone reader on its way down needs no file: the rows
/// pass by. Only rows that have passed by, and are then asked for after all, are decoded a second time.
///
/// A row that cannot be decoded or kept throws the same error for every reader that asks for it, or for rows
/// below it.
class DecodedRows {
 public:
  struct Size {
    int64_t width;
    int64_t height;
    int64_t channels;
  };
  /// `name` is the file, for messages.
  DecodedRows(std::string name, Size size, RowDecoderFactory start);

  const Size& size() const { return size_; }
  /// What is held for all readers together.
  int64_t buffer_bytes() const { return buffer_bytes_; }

  /// To be called before a second reader exists: rows are kept from now on. Until then Read is for one thread
  /// at a time, afterwards for any number.
  void Keep();

  /// Copies columns of `rows` to dst, [row, column, channel], tightly packed.
  void Read(Range rows, Range columns, uint8_t* dst);

 private:
  bool in_memory() const { return row_bytes_ <= kMaxKeptBytes / size_.height; }
  void PassBy(Range rows, Range columns, uint8_t* dst);
  void DecodeTo(int64_t end, std::unique_lock<std::mutex>* lock);
  void KeepRows(Range rows);
  void CopyKept(Range rows, Range columns, uint8_t* dst) const;
  uint8_t* CopyColumns(const uint8_t* row, Range columns, uint8_t* dst) const;

  std::string name_;
  Size size_;
  int64_t row_bytes_;
  RowDecoderFactory start_;
  int64_t buffer_bytes_;

  std::mutex mutex_;
  std::condition_variable changed_;
  bool keep_;
  bool busy_ = false;           ///< a thread decodes; what follows but for kept rows is that thread's
  Range kept_{0, 0};            ///< ends with what is decoded; what is above has passed by
  std::exception_ptr failure_;  ///< of the row after kept_
  std::unique_ptr<RowDecoder> decoder_;
  std::vector<uint8_t> pixels_;  ///< the image if it is kept in memory, else one row
  std::optional<UnnamedFile> file_;
};

}  // namespace swath
