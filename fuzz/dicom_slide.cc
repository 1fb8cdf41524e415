/// Any bytes as a DICOM file: the first rows of every level, or an Error.
#include <cstdint>
#include <cstring>

#include "scratch_file.h"
#include "slide_rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr size_t kPreambleBytes = 128;
  if (size < kPreambleBytes + 4 || std::memcmp(data + kPreambleBytes, "DICM", 4) != 0) return -1;
  swath::ReadSlideEnds(swath::ScratchFile(data, size).path());
  return 0;
}
