#include "slide/tiff_pixels.h"

#include <cstring>

#include "base/error.h"
#include "slide/blend.h"

namespace swath {

TiffPixels::TiffPixels(const std::string& path, const TiffPage& page, Pixels pixels)
    : path_(path), page_(page), pixels_(pixels) {
  if (pixels != Pixels::kLabels) return;
  if (page.jpeg || page.jp2k)
    Fail(ErrorCode::kUnsupported, "{}: a mask compressed as JPEG or JPEG 2000: its labels are not exact",
         path);
}

void TiffPixels::Unpack(const uint8_t* row, int64_t first, int64_t count) {
  const int64_t samples = page_.samples;
  samples_.resize(static_cast<size_t>(count * samples));
  if (page_.bits == 8) {
    std::memcpy(samples_.data(), row + first * samples, samples_.size());
  } else {  // one sample a pixel, most significant bits first
    const int mask = (1 << page_.bits) - 1;
    for (int64_t i = 0; i < count; ++i) {
      const int64_t bit = (first + i) * page_.bits;
      samples_[static_cast<size_t>(i)] =
          static_cast<uint8_t>(row[bit / 8] >> (8 - page_.bits - bit % 8) & mask);
    }
  }
}

void TiffPixels::ToColour(int64_t count, uint8_t* dst) const {
  const int largest = page_.bits < 8 ? (1 << page_.bits) - 1 : 255;
  const uint8_t* pixel = samples_.data();
  for (int64_t i = 0; i < count; ++i, pixel += page_.samples, dst += 3) {
    const int grey = page_.colour == TiffColour::kInvertedGrey ? largest - pixel[0] : pixel[0];
    for (int c = 0; c < 3; ++c) {
      switch (page_.colour) {
        case TiffColour::kRgb:
          dst[c] = pixel[c];
          break;
        case TiffColour::kPalette:
          dst[c] = page_.palette[static_cast<size_t>(3 * pixel[0] + c)];
          break;
        case TiffColour::kGrey:
        case TiffColour::kInvertedGrey:
          dst[c] = static_cast<uint8_t>(grey * 255 / largest);
      }
    }
    const int alpha = pixel[page_.samples - 1];
    if (page_.alpha == TiffAlpha::kStraight) {
      for (int c = 0; c < 3; ++c) dst[c] = BlendStraight(dst[c], alpha, 255);
    } else if (page_.alpha == TiffAlpha::kPremultiplied) {
      for (int c = 0; c < 3; ++c) dst[c] = BlendPremultiplied(dst[c], alpha, 255);
    }
  }
}

void TiffPixels::ToLabels(int64_t count, uint8_t* dst) const {
  const int largest = (1 << page_.bits) - 1;
  const uint8_t* pixel = samples_.data();
  for (int64_t i = 0; i < count; ++i, pixel += page_.samples) {
    const bool coloured = page_.colour == TiffColour::kRgb && (pixel[0] != pixel[1] || pixel[0] != pixel[2]);
    const bool clear = page_.alpha != TiffAlpha::kNone && pixel[page_.samples - 1] != 255;
    if (coloured || clear) {
      Fail(ErrorCode::kUnsupported, "{}: a mask holds labels; found a {} pixel", path_,
           coloured ? "coloured" : "transparent");
    }
    dst[i] = static_cast<uint8_t>(page_.colour == TiffColour::kInvertedGrey ? largest - pixel[0] : pixel[0]);
  }
}

void TiffPixels::Convert(const uint8_t* row, int64_t first, int64_t count, uint8_t* dst) {
  if (pixels_ == Pixels::kColour && page_.colour == TiffColour::kRgb && page_.bits == 8 &&
      page_.samples == 3) {
    std::memcpy(dst, row + first * 3, static_cast<size_t>(count * 3));
    return;
  }
  Unpack(row, first, count);
  switch (pixels_) {
    case Pixels::kColour:
      return ToColour(count, dst);
    case Pixels::kLabels:
      return ToLabels(count, dst);
    case Pixels::kExistence:
      for (int64_t i = 0; i < count; ++i) {
        const bool exists = page_.alpha == TiffAlpha::kNone ||
                            samples_[static_cast<size_t>((i + 1) * page_.samples - 1)] != 0;
        dst[i] = exists ? 255 : 0;
      }
  }
}

}  // namespace swath
