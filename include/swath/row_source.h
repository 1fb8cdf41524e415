/// Images as the engine sees them: rows, read from the top down.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "swath/range.h"

namespace swath {

/// What a sample of an image is: a byte, or a float in the machine's byte order.
enum class SampleType { kUint8, kFloat32 };

constexpr int64_t SampleBytes(SampleType type) { return type == SampleType::kUint8 ? 1 : 4; }

/// Rows of an image: a slide level, a region of one, a mask, or a synthetic image.
///
/// Layout of every buffer: [row, column, channel], tightly packed, of sample_type(). Rows may be read in any
/// order, but reading downwards is the fast way. One RowSource belongs to one thread at a time; Clone() gives
/// another thread its own. Errors (a damaged tile, a file that ends early) throw Error with the file's name.
class RowSource {
 public:
  virtual ~RowSource() = default;

  virtual int64_t width() const = 0;
  virtual int64_t height() const = 0;
  virtual int64_t channels() const = 0;
  virtual SampleType sample_type() const { return SampleType::kUint8; }

  /// The number of rows that are decoded together (a row of tiles); reads aligned to it waste nothing. At
  /// least 1.
  virtual int64_t natural_rows() const = 0;

  /// Bytes that this object holds while it is being read (decoder buffers, tile caches), for the plan.
  virtual int64_t buffer_bytes() const = 0;

  /// Reads `rows`, which must lie inside [0, height()), into dst (rows.size() * width() * channels()
  /// samples).
  virtual void Read(Range rows, uint8_t* dst) = 0;

  /// Until the next call only `rows` will be read: what reads ahead does not read beyond them.
  virtual void ExpectRows(Range /*rows*/) {}

  /// An independent reader of the same image, for another thread.
  virtual std::unique_ptr<RowSource> Clone() const = 0;

  /// An independent reader of some or all columns of it, which lie inside [0, width()). Files whose blocks
  /// are read by themselves leave the other columns undecoded.
  virtual std::unique_ptr<RowSource> CloneColumns(Range columns) const;

  /// What messages call this image: the file's path.
  virtual const std::string& name() const = 0;
};

}  // namespace swath
