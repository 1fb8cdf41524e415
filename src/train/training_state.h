/// What a run needs to go on as if it had never stopped.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "swath/graph.h"
#include "swath/optimizer.h"

namespace swath {

/// The order of the slides needs no entry: it follows from seed and step.
struct TrainingProgress {
  int64_t step = 0;                  ///< steps done
  double seconds = 0;                ///< spent on them
  std::optional<double> best_score;  ///< Dice, or over slides minus the loss
  int64_t best_step = 0;
  nlohmann::json settings;  ///< what must be the same for the run to go on, by the name of the option
};

struct TrainingState {
  TrainingProgress progress;
  std::vector<float> weights;  ///< of all trainable parameters, one after the other
  OptimizerState optimizer;
  std::vector<float> running;  ///< running statistics of BatchNormalization that are brought up to date
};

/// The file is a line of JSON, then weights (float32), moments (float64) and running statistics (float32),
/// little-endian, and is replaced as a whole. Weights come in parts and nothing is copied: a large network
/// and its optimiser may be most of what the process can hold. Throws Error (kOutput).
void WriteTrainingState(const std::string& path, const TrainingProgress& progress,
                        std::span<const std::span<const float>> weights, const OptimizerState& optimizer,
                        const std::vector<float>& running);

/// Throws Error (kInput) for a file that is absent, damaged or of another version.
TrainingState ReadTrainingState(const std::string& path);

/// The values of all trainable parameters, one after the other, and back. Throws Error (kInput) for another
/// count.
std::vector<std::span<const float>> TrainableSpans(const Graph& graph);
std::vector<float> TrainableValues(const Graph& graph);
void SetTrainableValues(const std::vector<float>& values, Graph* graph);

/// The running statistics that training brings up to date, one after the other, and back. As above.
std::vector<float> RunningStatistics(const Graph& graph);
void SetRunningStatistics(const std::vector<float>& values, Graph* graph);

/// Of the values that training leaves alone, which a state does not hold: all others.
uint64_t HashOfFixedValues(const Graph& graph);

/// Throws Error (kInput) that names the first setting in which `now` differs from the run's.
void CheckSettings(const std::string& path, const nlohmann::json& run, const nlohmann::json& now);

}  // namespace swath
