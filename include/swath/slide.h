/// Slides and masks: files on disk as rows of pixels.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swath/row_source.h"

namespace swath {

class SlideFormat;

/// A rectangle in level-0 pixels.
struct Region {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;
};

/// "x,y,width,height" in level-0 pixels. Throws Error (kInput).
Region ParseRegion(const std::string& text);

struct SlideLevel {
  int64_t width = 0;       ///< pixels of this level
  int64_t height = 0;      ///< pixels of this level
  double downsample = 1;   ///< level-0 pixels per pixel of this level (mean of both axes)
  int64_t tile_width = 0;  ///< storage blocks; a format without tiles has blocks as wide as the level
  int64_t tile_height = 0;
};

struct SlideInfo {
  std::string path;
  std::string
      format;  ///< "tiff", "dicom", "png", "jpeg", or OpenSlide's vendor name: "aperio", "hamamatsu", …
  std::string decoder;  ///< which library decodes the pixels: "libtiff", "openslide", "libpng", "libjpeg", …
  std::string series;   ///< of DICOM: what all files of the slide share; else empty
  std::string vendor;   ///< who made the scanner, where the file says so
  std::vector<SlideLevel> levels;  ///< level 0, the largest, first; never empty
  std::optional<double> mpp_x;     ///< micrometres per level-0 pixel, where the file says so
  std::optional<double> mpp_y;
  /// Where the image's centre lies, seen from the slide's, in nanometres; of Hamamatsu's formats.
  std::optional<std::array<double, 2>> centre_offset;
  bool grey = false;                    ///< one channel in the file, which is read as RGB of three equal ones
  Region bounds;                        ///< where the scanner found something; else the whole slide
  std::vector<std::string> associated;  ///< labels, macros, thumbnails, other pages; never read
  std::array<uint8_t, 3> background{255, 255, 255};  ///< RGB of pixels that are not there
};

/// What the user knows better than the file.
struct SlideOptions {
  std::optional<double> mpp = {};  ///< micrometres per level-0 pixel, in both directions
};

/// Which pixels of a slide to read. With none of the first three: level 0.
struct RowOptions {
  std::optional<int> level = {};   ///< index into SlideInfo::levels
  std::optional<double> mpp = {};  ///< micrometres per pixel wanted; excludes `level`
  /// Those that a model was trained at: wanted with neither of the above, of slides that say their pixel
  /// size. Where no level is as fine, level 0 will do if it is of SameMagnification.
  std::optional<double> model_mpp = {};
  std::optional<Region> region = {};  ///< this region is the image: nothing outside it is read
};

/// Whether two pixel sizes are within 1 % of each other: a scanner's 0.2523 is what users call 0.25.
bool SamePixelSize(double mpp, double other);
/// Whether they are within 10 %: scanners of one magnification differ by some per cent among each other,
/// magnifications by a factor of two.
bool SameMagnification(double mpp, double other);

/// A slide file. Immutable once open, so any thread may call any method at any time.
///
/// Reads TIFF and BigTIFF (tiled or in strips, pyramids as pages or SubIFDs), DICOM whole slide images (all
/// files of the series that lie in the folder), the vendor formats of OpenSlide, PNG and JPEG. What is not
/// read exactly is refused (ErrorCode::kUnsupported) with the reason: CMYK, samples that are signed, floating
/// or wider than 8 bits, channels beyond one alpha. Alpha is blended over the background. A TIFF is turned as
/// its orientation says.
class Slide {
 public:
  /// Throws Error (kInput, kUnsupported) with the path, what was expected and what was found.
  static std::unique_ptr<Slide> Open(const std::string& path, const SlideOptions& options = {});

  const SlideInfo& info() const { return info_; }

  /// Rows of RGB, [row, column, channel], of one level or at one pixel size.
  ///
  /// With a pixel size, the nearest finer level is averaged by area, in integers, so that the rows do not
  /// depend on how they are asked for; within 1 % of a level's own pixel size that level is read as it is. A
  /// region is rounded to the nearest pixels of the level read. Throws Error where the level, pixel size or
  /// region does not exist. A damaged file throws while it is read: no pixel is ever made up.
  std::unique_ptr<RowSource> OpenRows(const RowOptions& options = {}) const;

  /// Micrometres a pixel of those rows, the mean of both directions; nothing where the slide does not say its
  /// own.
  std::optional<double> PixelSize(const RowOptions& options = {}) const;

  /// One channel of the same size: 255 where the pixel exists, 0 where it is not there (a gap between scanned
  /// fields, a tile never written, alpha 0; when averaged: any of them). Such pixels show the background
  /// colour and must carry no loss. Null if every pixel of this slide exists.
  std::unique_ptr<RowSource> OpenExistence(const RowOptions& options = {}) const;

 private:
  Slide(std::shared_ptr<const SlideFormat> format, const SlideOptions& options);
  std::shared_ptr<const SlideFormat> format_;
  SlideInfo info_;
};

/// What a mask is a mask of.
enum class MaskCovers {
  kWhatFits,  ///< the slide or the region, by its proportions; where both fit, that is an error
  kSlide,
  kRegion,
};

/// Where an image lies in its slide.
struct ImagePlace {
  int64_t width = 0;  ///< of the image, in its own pixels
  int64_t height = 0;
  int64_t slide_width = 0;  ///< of the slide, in level-0 pixels
  int64_t slide_height = 0;
  Region region;  ///< what the image shows, in level-0 pixels
  /// The region that a mask of a region covers, where the image shows a part of it; else `region`.
  std::optional<Region> around = {};
  MaskCovers mask_covers = MaskCovers::kWhatFits;
};

/// An image of that size of a whole slide, whose level 0 is given.
ImagePlace PlaceOfWhole(const SlideLevel& slide, int64_t width, int64_t height);

/// Labels for an image: one channel, uint8, exactly its size, mapped by nearest centre from a PNG, a TIFF or
/// an array of NumPy's (.npy) of any downsample. Of a mask that covers the slide the image's part is taken.
///
/// Labels are stored values: grey of 1 to 8 bits, palette indices, or RGB whose channels are equal (alpha, if
/// any, opaque). In a TIFF whose 0 is white the values are inverted. Refused: colours, 16 bits, JPEG (its
/// labels are not exact). Throws Error, naming both sizes, if the mask's sides are in a proportion that
/// differs by more than one pixel from the slide's and the region's.
std::unique_ptr<RowSource> OpenMask(const std::string& path, const ImagePlace& place);

/// What such a file covers of the slide, in level-0 pixels. Throws Error as OpenMask does.
Region MaskRegion(const std::string& path, const ImagePlace& place);

/// The size of such a file. Throws Error as OpenMask does.
SlideLevel MaskSize(const std::string& path);

/// The same for an image that is a whole slide of this size.
std::unique_ptr<RowSource> OpenMask(const std::string& path, int64_t width, int64_t height);

/// Reads ahead: while the caller uses one block of natural_rows() rows, a thread decodes the one below it.
///
/// Holds two blocks. Any order of reads is correct; downwards is fast. An Error in the thread is thrown by
/// the Read that needs the damaged rows.
std::unique_ptr<RowSource> Prefetch(std::unique_ptr<RowSource> source);

}  // namespace swath
