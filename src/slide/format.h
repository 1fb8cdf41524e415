/// What a file format provides: the description of a slide and its levels in blocks of rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "swath/range.h"
#include "swath/slide.h"

namespace swath {

/// What a reader writes for each pixel.
enum class Pixels {
  kColour,     ///< 3 channels: RGB over the slide's background
  kLabels,     ///< 1 channel: the stored value (masks)
  kExistence,  ///< 1 channel: 255 where the pixel exists, else 0
};

constexpr int64_t Channels(Pixels pixels) { return pixels == Pixels::kColour ? 3 : 1; }

/// A level in blocks of rows as its file stores them: block i holds rows [i * block_rows - missing_rows, …),
/// as far as there are such. For one thread at a time. Throws Error on damaged data.
class BlockReader {
 public:
  virtual ~BlockReader() = default;

  virtual int64_t width() const = 0;
  virtual int64_t height() const = 0;
  virtual int64_t block_rows() const = 0;
  /// What block 0 lacks at its top: in a file that is stored bottom-up it is the one that is cut.
  virtual int64_t missing_rows() const { return 0; }
  virtual int64_t buffer_bytes() const = 0;

  /// Decodes the columns of one block into dst, [row, column, channel], tightly packed.
  virtual void Read(int64_t block, Range columns, uint8_t* dst) = 0;

  virtual std::unique_ptr<BlockReader> Clone() const = 0;
};

/// An open slide of one format; immutable.
class SlideFormat {
 public:
  virtual ~SlideFormat() = default;
  virtual std::unique_ptr<BlockReader> OpenLevel(int level, Pixels pixels) const = 0;

  /// Whether some pixels may not be there.
  virtual bool may_have_holes() const = 0;

  const SlideInfo& info() const { return info_; }

 protected:
  SlideInfo info_;
};

/// No more than this is decoded at once (a tile, a strip); a larger one is refused before anything is
/// allocated.
inline constexpr int64_t kMaxTileBytes = int64_t{64} << 20;
/// No more than this is held for a row of tiles.
inline constexpr int64_t kMaxBlockBytes = int64_t{1} << 30;

/// What Slide and OpenMask read: of any format; and of the formats that hold labels exactly.
std::shared_ptr<const SlideFormat> OpenFormat(const std::string& path);
std::shared_ptr<const SlideFormat> OpenLabelFormat(const std::string& path);

/// What a file says, corrected by the user. Throws Error (kUsage) for what cannot be right.
SlideInfo Corrected(SlideInfo info, const SlideOptions& options);

std::shared_ptr<const SlideFormat> OpenTiff(const std::string& path);
std::shared_ptr<const SlideFormat> OpenPng(const std::string& path);
std::shared_ptr<const SlideFormat> OpenJpeg(const std::string& path);
/// The series to which this file belongs.
std::shared_ptr<const SlideFormat> OpenDicom(const std::string& path);
/// An array of labels: for Pixels::kLabels only.
std::shared_ptr<const SlideFormat> OpenNpyMask(const std::string& path);
/// `vendor` is what OpenSlide calls the format.
std::shared_ptr<const SlideFormat> OpenOpenSlide(const std::string& path, const std::string& vendor);

/// OpenSlide's name for the format of this file; empty if it knows none, or only "generic-tiff".
std::string OpenSlideVendor(const std::string& path);

}  // namespace swath
