/// Any bytes as annotations, GeoJSON or the XML of ASAP, ImageScope or NDP.view: labels, or an Error.
#include "annotation_labels.h"
#include "scratch_file.h"
#include "swath/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const swath::ScratchFile file(data, size);
  try {
    swath::ReadLabels(file.path());
  } catch (const swath::Error&) {
  }
  return 0;
}
