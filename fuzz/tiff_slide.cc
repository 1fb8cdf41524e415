/// Any bytes as a TIFF: the first rows of every level, or an Error.
#include <cstdint>

#include "scratch_file.h"
#include "slide_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Other formats are other libraries' to fuzz, OpenSlide's slowly.
  const bool is_tiff =
      size >= 4 && ((data[0] == 'I' && data[1] == 'I') || (data[0] == 'M' && data[1] == 'M'));
  if (!is_tiff) return -1;
  swath::ReadSlideEnds(swath::ScratchFile(data, size).path());
  return 0;
}
