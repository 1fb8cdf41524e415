/// Optimisers and learning rates, with the formulae of PyTorch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "swath/graph.h"

namespace swath {

enum class OptimizerKind { kSgd, kAdam, kAdamW };

struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::kAdam;
  double momentum = 0.9;  ///< SGD
  double beta1 = 0.9;     ///< Adam, AdamW
  double beta2 = 0.999;
  double epsilon = 1e-8;
  /// SGD, Adam: added to the gradient (L2); AdamW: decoupled (Loshchilov and Hutter 2019). Of every trainable
  /// parameter.
  double weight_decay = 0;
  /// By parameter of the graph, what the learning rate is multiplied by, as in PyTorch's parameter groups;
  /// empty: 1 for all. Decoupled weight decay goes with the learning rate.
  std::vector<double> factors = {};
};

/// The names used on the command line: sgd, adam, adamw. Throws Error (kUsage).
OptimizerKind ParseOptimizerKind(const std::string& name);
std::string ToString(OptimizerKind kind);

/// What an optimiser remembers. Each moment holds the values of all trainable parameters, one after the
/// other.
struct OptimizerState {
  int64_t steps = 0;
  std::vector<std::vector<double>> moments;  ///< SGD: momentum, if any; Adam, AdamW: of order 1 and 2
};

/// Updates the trainable parameters of a graph. Moments and arithmetic are float64; each step rounds the
/// weights once, to the float32 of the graph, so that weights and state say everything about what comes next.
class Optimizer {
 public:
  /// Throws Error (kUsage) for options out of range, such as a factor that is not above 0.
  Optimizer(const Graph& graph, const OptimizerOptions& options);

  /// `gradients` by parameter of the graph, as in StepResult: empty for those that are not trainable.
  void Step(const std::vector<std::vector<double>>& gradients, double learning_rate, Graph* graph);

  const OptimizerState& state() const { return state_; }
  /// Continues from a state that an optimiser of the same kind had on the same graph. Throws Error (kInput)
  /// otherwise.
  void Restore(OptimizerState state);
  int64_t state_bytes() const;

 private:
  OptimizerOptions options_;
  OptimizerState state_;
};

/// Scales the gradients so that their norm, over all of them, is at most `max_norm` (PyTorch's
/// clip_grad_norm_); 0 leaves them alone. Returns the norm they had.
double ClipGradients(double max_norm, std::vector<std::vector<double>>* gradients);

enum class ScheduleKind { kConstant, kCosine };

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kCosine;
  double learning_rate = 0.005;  ///< the highest
  int64_t warmup_steps = 0;      ///< rises linearly over the first steps
  int64_t steps = 1;             ///< of the whole run; cosine falls to 0 at its end
};

/// The names used on the command line: constant, cosine. Throws Error (kUsage).
ScheduleKind ParseScheduleKind(const std::string& name);
std::string ToString(ScheduleKind kind);

/// The learning rate of a step, counted from 0: lr (step + 1) / warmup while step < warmup; then lr, or
/// lr (1 + cos(π (step - warmup) / (steps - warmup))) / 2.
double LearningRate(const ScheduleOptions& options, int64_t step);

}  // namespace swath
