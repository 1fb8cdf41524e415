#include "swath/optimizer.h"

#include <cassert>
#include <cmath>
#include <utility>

#include "base/error.h"

namespace swath {
namespace {

void CheckFraction(const char* name, double value) {
  if (!(value >= 0 && value < 1))
    Fail(ErrorCode::kUsage, "{} is {}, expected at least 0 and below 1", name, value);
}

}  // namespace

OptimizerKind ParseOptimizerKind(const std::string& name) {
  for (const OptimizerKind kind : {OptimizerKind::kSgd, OptimizerKind::kAdam, OptimizerKind::kAdamW}) {
    if (ToString(kind) == name) return kind;
  }
  Fail(ErrorCode::kUsage, "optimizer '{}', expected sgd, adam or adamw", name);
}

std::string ToString(OptimizerKind kind) {
  switch (kind) {
    case OptimizerKind::kSgd:
      return "sgd";
    case OptimizerKind::kAdam:
      return "adam";
    case OptimizerKind::kAdamW:
      return "adamw";
  }
  return "";
}

Optimizer::Optimizer(const Graph& graph, const OptimizerOptions& options) : options_(options) {
  CheckFraction("momentum", options.momentum);
  CheckFraction("beta1", options.beta1);
  CheckFraction("beta2", options.beta2);
  if (!(options.weight_decay >= 0)) {
    Fail(ErrorCode::kUsage, "weight decay is {}, expected at least 0", options.weight_decay);
  }
  for (const double factor : options.factors) {
    if (!(factor > 0 && std::isfinite(factor)))
      Fail(ErrorCode::kUsage, "a factor of the learning rate is {}, expected a number above 0", factor);
  }
  assert(options.factors.empty() || options.factors.size() == graph.parameters.size());
  const size_t moments = options.kind != OptimizerKind::kSgd ? 2 : options.momentum > 0 ? 1 : 0;
  state_.moments.assign(moments, std::vector<double>(static_cast<size_t>(graph.trainable_size())));
}

void Optimizer::Restore(OptimizerState state) {
  bool fits = state.moments.size() == state_.moments.size();
  for (size_t i = 0; fits && i < state.moments.size(); ++i) {
    fits = state.moments[i].size() == state_.moments[i].size();
  }
  if (!fits) Fail(ErrorCode::kInput, "the optimiser's state is that of another optimiser or network");
  state_ = std::move(state);
}

int64_t Optimizer::state_bytes() const {
  return state_.moments.empty()
             ? 0
             : static_cast<int64_t>(state_.moments.size() * state_.moments[0].size() * sizeof(double));
}

void Optimizer::Step(const std::vector<std::vector<double>>& gradients, double base_rate, Graph* graph) {
  const OptimizerOptions& o = options_;
  const double t = static_cast<double>(++state_.steps);
  const double correction1 = 1 - std::pow(o.beta1, t), root_correction2 = std::sqrt(1 - std::pow(o.beta2, t));
  size_t k = 0;  // of the value among all trainable ones
  for (size_t p = 0; p < graph->parameters.size(); ++p) {
    Parameter& parameter = graph->parameters[p];
    if (!parameter.trainable) continue;
    assert(gradients[p].size() == parameter.values.size());
    const double learning_rate = o.factors.empty() ? base_rate : base_rate * o.factors[p];
    for (size_t i = 0; i < parameter.values.size(); ++i, ++k) {
      double weight = static_cast<double>(parameter.values[i]), gradient = gradients[p][i];
      if (o.kind == OptimizerKind::kAdamW) {
        weight *= 1 - learning_rate * o.weight_decay;
      } else {
        gradient += o.weight_decay * weight;
      }
      if (state_.moments.empty()) {
        weight -= learning_rate * gradient;
      } else if (o.kind == OptimizerKind::kSgd) {
        double& first = state_.moments[0][k];
        first = o.momentum * first + gradient;
        weight -= learning_rate * first;
      } else {
        double& first = state_.moments[0][k];
        double& second = state_.moments[1][k];
        first = o.beta1 * first + (1 - o.beta1) * gradient;
        second = o.beta2 * second + (1 - o.beta2) * gradient * gradient;
        weight -= learning_rate / correction1 * first / (std::sqrt(second) / root_correction2 + o.epsilon);
      }
      parameter.values[i] = static_cast<float>(weight);
    }
  }
}

double ClipGradients(double max_norm, std::vector<std::vector<double>>* gradients) {
  double sum = 0;
  for (const auto& gradient : *gradients) {
    for (const double g : gradient) sum += g * g;
  }
  const double norm = std::sqrt(sum);
  const double factor = max_norm / (norm + 1e-6);
  if (max_norm <= 0 || factor >= 1) return norm;
  for (auto& gradient : *gradients) {
    for (double& g : gradient) g *= factor;
  }
  return norm;
}

}  // namespace swath
