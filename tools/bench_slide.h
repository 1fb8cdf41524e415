/// The synthetic slides that benchmarks read: JPEG-tiled BigTIFFs, made once and kept.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace swath::tools {

struct BenchSlide {
  std::string size = "16000x64000";
  std::string data;  ///< folder that keeps them; empty: one in the user's cache
  uint64_t seed = 1;
};

/// --size and --data; --seed is the command's.
void AddBenchSlideOptions(CLI::App* command, BenchSlide* slide);

/// Path of a data set of one slide with its mask, which is made if it is not there yet: in a process of its
/// own, so that its memory is not taken for the benchmark's. Leaves no folder that was not there before where
/// it cannot be made.
std::string MakeBenchSlide(const BenchSlide& slide);

}  // namespace swath::tools
