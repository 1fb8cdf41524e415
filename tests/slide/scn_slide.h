/// A slide with bounds: Leica's SCN, as far as OpenSlide looks at it.
#pragma once

#include <cstdint>
#include <string>

#include "tests/slide/images.h"

namespace swath::testing {

/// Level 0 is what the scanner could have scanned; sizes and places are in its pixels.
struct ScnSpec {
  int64_t width = 0;
  int64_t height = 0;
  int64_t x = 0;  ///< of what it did scan
  int64_t y = 0;
  int64_t mpp_nm = 500;
};

/// Writes a BigTIFF of a macro, the scan and the scan at a half of its size, as JPEG. The scan's sides must
/// be even.
void WriteScn(const std::string& path, const Image& scan, const ScnSpec& spec);

}  // namespace swath::testing
