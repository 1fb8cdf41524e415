/// The networks that are built in code, one a file. builtin.cc lists them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

/// What was asked for.
struct ArchitectureRequest {
  std::string name;  ///< with its options: "unet:depth=3,norm=batch"
  uint64_t seed = 0;
  std::vector<std::string> classes;  ///< at least two
};

Graph BuildUnet4492(const ArchitectureRequest& request);
Graph BuildPixelMlp(const ArchitectureRequest& request);
Graph BuildUnet(const ArchitectureRequest& request);
Graph BuildResNet18(const ArchitectureRequest& request);
Graph BuildResNet34(const ArchitectureRequest& request);
Graph BuildResNet50(const ArchitectureRequest& request);
Graph BuildMobileNetV2(const ArchitectureRequest& request);
Graph BuildConvNeXtTiny(const ArchitectureRequest& request);

}  // namespace swath
