#include "tools/plan_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/options.h"
#include "train/run_session.h"

namespace swath::tools {

std::string Division(const Plan& plan) {
  std::string text = fmt::format("{}, {} at once", Plural(plan.options.strips, "strip"), plan.in_flight);
  if (plan.team > 1) text += fmt::format(", {} threads each", plan.team);
  if (plan.parts > 0) {
    text += fmt::format(", in {} around labels: {:.1f} % of the image is read", Plural(plan.parts, "part"),
                        100 * static_cast<double>(plan.input_pixels) /
                            (static_cast<double>(plan.width) * static_cast<double>(plan.height)));
  }
  if (plan.options.panels > 1) {
    const double more =
        static_cast<double>(plan.multiply_adds()) / static_cast<double>(plan.least_multiply_adds);
    text += fmt::format(", in {} panels: {:.1f} % of the arithmetic is repeated", plan.options.panels,
                        100 * (more - 1));
  }
  if (!plan.options.pack_weights) text += ", weights are not packed";
  if (plan.options.precision != Precision::kFloat32) text += ", " + ToString(plan.options.precision);
  return text;
}

void PrintPlan(const Plan& plan, const std::string& model, const std::optional<ProcessPlan>& process) {
  const bool training = plan.cotangents > 0;
  fmt::print("{}, {} × {} px, {}\n\n", model, plan.width, plan.height,
             training ? "training step" : "prediction");
  size_t names = 20;
  for (const TensorPlan& t : plan.tensors) names = std::max(names, t.name.size());
  fmt::print("{:<{}} {:<11} {:>8} {:>9} {:>9} {:>7} {:>7} {:>11}\n", "tensor", names, "kernel", "channels",
             "columns", "rows", "alive", "diff", "one strip");
  for (const TensorPlan& t : plan.tensors) {
    if (t.shape.channels == 0) continue;  // stands for the rows of a reduction
    fmt::print("{:<{}} {:<11} {:>8} {:>9} {:>9} {:>7} {:>7} {:>11}\n", t.name, names, t.kernel,
               t.shape.channels, t.shape.width, t.shape.height, t.value_rows, t.gradient_rows,
               Bytes(t.bytes));
  }
  fmt::print("\n{}; {} over the image", Division(plan), Plural(plan.sweeps, "sweep"));
  if (plan.forward_sweeps > 0) {
    fmt::print(" ({} to reductions", plan.forward_sweeps);
    if (training && plan.loss_sweeps == 2) fmt::print(", 1 for the loss");
    if (plan.backward_sweeps > 1) fmt::print(", {} back part of the way", plan.backward_sweeps - 1);
    fmt::print("{})", training ? ", 1 back all the way" : "");
  }
  if (training) fmt::print(", {} cotangent{}", plan.cotangents, plan.cotangents == 1 ? "" : "s");
  fmt::print("; {} input rows a sweep, {:.1f} % of them repeated\n\n", plan.input_rows,
             100.0 * static_cast<double>(plan.input_rows - plan.height) / static_cast<double>(plan.height));
  const auto line = [](const char* what, int64_t bytes) {
    if (bytes > 0) fmt::print("  {:<34} {:>11}\n", what, Bytes(bytes));
  };
  fmt::print("memory, all strips in flight\n");
  line("rows of tensors and gradients", plan.ring_bytes);
  line("rows converted to be read", plan.view_bytes);
  line("kernels' workspaces", plan.workspace_bytes);
  line("labels and loss", plan.label_bytes);
  line("sums of weight gradients", plan.gradient_bytes);
  line("weights, packed ones too", plan.weight_bytes);
  line("values in core", plan.core_bytes);
  line("predicted rows", plan.output_bytes);
  line("engine", plan.engine_bytes());
  if (process) {
    line("optimiser's moments", process->optimizer_bytes);
    line("program, libraries, buffers", process->process_bytes);
    line("process", plan.engine_bytes() + process->optimizer_bytes + process->process_bytes);
  }
  const double pixels = static_cast<double>(plan.width) * static_cast<double>(plan.height);
  fmt::print("\nmultiply-adds: {:.3g} T forward ({:.0f} a pixel)",
             static_cast<double>(plan.forward_multiply_adds) * 1e-12,
             static_cast<double>(plan.forward_multiply_adds) / pixels);
  if (training) {
    fmt::print(", {:.3g} T backward ({:.0f})", static_cast<double>(plan.backward_multiply_adds) * 1e-12,
               static_cast<double>(plan.backward_multiply_adds) / pixels);
  }
  fmt::print("\n");
}

nlohmann::json PlanJson(const Plan& plan) {
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorPlan& t : plan.tensors) {
    tensors.push_back({{"name", t.name},
                       {"kernel", t.kernel},
                       {"channels", t.shape.channels},
                       {"width", t.shape.width},
                       {"height", t.shape.height},
                       {"value_rows", t.value_rows},
                       {"gradient_rows", t.gradient_rows},
                       {"bytes", t.bytes}});
  }
  nlohmann::json json = PlanFigures(plan);
  json.update({{"threads", plan.options.threads},
               {"pack_weights", plan.options.pack_weights},
               {"forward_sweeps", plan.forward_sweeps},
               {"loss_sweeps", plan.loss_sweeps},
               {"backward_sweeps", plan.backward_sweeps},
               {"tensors", tensors},
               {"output_bytes", plan.output_bytes},
               {"least_multiply_adds", plan.least_multiply_adds}});
  return json;
}

}  // namespace swath::tools
