#include <fmt/format.h>

#include "base/quantities.h"
#include "report/html.h"
#include "report/sections.h"

namespace swath {
namespace {

std::string TrainingFacts(const Report& report) {
  const RunSession& session = report.sessions.back();
  const RunHistory& history = report.history;
  html::Facts facts;
  facts.Add("steps", fmt::format("{} of {}", Grouped(history.steps), Grouped(session.steps)));
  if (history.best_step > 0) facts.Add("best on validation", fmt::format("after step {}", history.best_step));
  facts.Add("seed", fmt::format("{}", session.seed));
  facts.Add("time", fmt::format("{} for steps, {} for validations", Duration(history.training_seconds),
                                Duration(history.validation_seconds)));
  facts.Add("most memory", fmt::format("{:.1f} MiB resident, of the whole process; {} planned for the step",
                                       history.peak_resident_mib, Bytes(session.plan_bytes)));
  return facts.Html();
}

std::string PlanFacts(const RunSession& session) {
  const nlohmann::json& plan = session.plan;
  const auto number = [&](const char* key) {
    const auto value = plan.find(key);
    return value != plan.end() && value->is_number() ? value->get<int64_t>() : 0;
  };
  html::Facts facts;
  facts.Add("largest image", fmt::format("{} × {} px, as it is read, extended to what the network takes",
                                         Grouped(number("width")), Grouped(number("height"))));
  const int64_t panels = number("panels");
  facts.Add("division",
            fmt::format("{}{}, {} at once", Plural(number("strips"), "strip"),
                        panels > 1 ? fmt::format(" in {} panels", panels) : "", number("in_flight")));
  facts.Add("sweeps over the image",
            fmt::format("{}; {}", number("sweeps"), Plural(number("cotangents"), "cotangent")));
  const int64_t height = number("height");
  if (number("parts") > 0) {
    facts.Add("read a sweep", fmt::format("{:.1f} % of the image, in {} around its tissue",
                                          100.0 * static_cast<double>(number("input_pixels")) /
                                              static_cast<double>(height * number("width")),
                                          Plural(number("parts"), "part")));
  } else if (height > 0) {
    facts.Add("rows read a sweep", fmt::format("{}, {:.1f} % of them repeated", Grouped(number("input_rows")),
                                               100.0 * static_cast<double>(number("input_rows") - height) /
                                                   static_cast<double>(height)));
  }
  const auto bytes = [&](const char* name, const char* key) {
    if (number(key) > 0) facts.Add(name, Bytes(number(key)));
  };
  bytes("rows of tensors and gradients", "ring_bytes");
  bytes("rows converted to be read", "view_bytes");
  bytes("kernels' workspaces", "workspace_bytes");
  bytes("labels and loss", "label_bytes");
  bytes("sums of weight gradients", "gradient_bytes");
  bytes("weights, packed ones too", "weight_bytes");
  bytes("values in core", "core_bytes");
  bytes("engine in all", "engine_bytes");
  if (session.memory_limit > 0) facts.Add("limit of memory", Bytes(session.memory_limit));
  facts.Add("multiply-adds", fmt::format("{:.3g} T forward, {:.3g} T backward",
                                         static_cast<double>(number("forward_multiply_adds")) * 1e-12,
                                         static_cast<double>(number("backward_multiply_adds")) * 1e-12));
  facts.Add("precision", html::Escape(plan.value("precision", "")));
  return facts.Html();
}

}  // namespace

std::string TrainingSection(const Report& report) {
  const std::string curves =
      DrawCurves(report.model + ", " + report.sessions.back().loss, report.history.curves);
  return fmt::format(
      "<section aria-labelledby=\"training\">\n<h2 id=\"training\">Training</h2>\n"
      "<figure class=\"scroll\" tabindex=\"0\" role=\"img\" aria-label=\"Loss and score over the steps of "
      "the "
      "run\">\n{}</figure>\n{}<h3>Options</h3>\n<pre>{}</pre>\n<h3>The plan of a step</h3>\n<p>Known before "
      "the "
      "first pixel was read, for the widest slide that was trained on. Its memory does not grow with the "
      "height of the "
      "slide.</p>\n{}</section>\n",
      curves, TrainingFacts(report), html::Escape(report.config), PlanFacts(report.sessions.back()));
}

}  // namespace swath
