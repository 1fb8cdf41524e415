/// Any bytes as a model: a graph that validates, or an Error.
#include "scratch_file.h"
#include "swath/error.h"
#include "swath/model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const swath::ScratchFile file(data, size);
  try {
    const swath::Graph graph = swath::ImportOnnx(file.path());
    swath::ValidateGraph(graph);
    swath::ModelClasses(graph);
    swath::ModelExtension(graph);
    swath::ModelMultiple(graph);
  } catch (const swath::Error&) {
  }
  return 0;
}
