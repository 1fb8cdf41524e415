/// Any bytes as a CSV file: a data set, or an Error. Slides that it names exist only by accident.
#include "swath/dataset.h"

#include "scratch_file.h"
#include "swath/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const swath::ScratchFile file(data, size);
  try {
    swath::OpenDataset(file.path());
  } catch (const swath::Error&) {
  }
  return 0;
}
