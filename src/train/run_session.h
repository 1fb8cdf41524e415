/// What is written down of a run each time that it is started or continued.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/environment.h"
#include "swath/dataset.h"
#include "swath/graph.h"
#include "swath/trainer.h"

namespace swath {

/// A line of sessions.jsonl.
struct RunSession {
  int64_t started = 0;     ///< seconds since 1970
  int64_t first_step = 0;  ///< steps that the run had behind it
  Environment environment;
  int64_t threads = 0;
  std::string simd_target;  ///< of the kernels
  std::string csv;          ///< absolute path of the data set
  std::string csv_sha256;
  DatasetOptions options;
  int ignore_label = 255;
  struct File {
    std::string name;  ///< relative to the folder of the CSV file
    int64_t bytes = 0;
    int64_t modified = 0;  ///< seconds since 1970
  };
  std::vector<File> files;  ///< slides and masks of all splits
  std::string loss;
  uint64_t seed = 0;
  int64_t steps = 0;  ///< that the run was to take
  std::optional<RegionSize> sample_region;
  int64_t training_slides = 0;
  int64_t validation_slides = 0;
  int64_t parameters = 0;  ///< that are trained
  int64_t frozen = 0;
  int64_t memory_limit = 0;  ///< bytes; 0 for none
  int64_t plan_bytes = 0;    ///< engine, decoders, gradients, optimiser
  nlohmann::json plan;       ///< of the widest slide, by the names of `swath plan --json`
};

/// The figures of a plan that a run writes down, by name; `swath plan --json` has more.
nlohmann::ordered_json PlanFigures(const Plan& plan);

/// The files of a data set, each once. Sizes and times only: reading them all takes its time.
std::vector<RunSession::File> DatasetFiles(const Dataset& dataset);

/// How RunSession::File::name names a path.
std::string NameInDataset(const Dataset& dataset, const std::string& path);

/// Of the run that is about to begin. Throws Error (kInput) where the data set's files have gone.
RunSession MakeRunSession(const Dataset& dataset, const TrainOptions& options, const TrainSummary& summary);

nlohmann::ordered_json ToJson(const RunSession& session);

/// All lines of the file, oldest first. Throws Error (kInput), naming the line, for one that is no such
/// record.
std::vector<RunSession> ReadRunSessions(const std::string& path);

}  // namespace swath
