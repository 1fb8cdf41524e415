/// Any bytes as a file of weights: tensors of finite values, or an Error.
#include "graph/weight_file.h"
#include "scratch_file.h"
#include "swath/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const swath::ScratchFile file(data, size);
  try {
    const auto weights = swath::OpenSafetensors(file.path());
    for (size_t i = 0; i < weights->tensors().size(); ++i) {
      try {
        weights->Read(i);
      } catch (const swath::Error&) {
      }
    }
  } catch (const swath::Error&) {
  }
  return 0;
}
