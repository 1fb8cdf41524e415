#include <fmt/format.h>

#include "base/quantities.h"
#include "report/html.h"
#include "report/sections.h"

namespace swath {
namespace {

std::string Sentences(const Report& report) {
  const RunSession& session = report.sessions.back();
  const int64_t validation = session.validation_slides, test = static_cast<int64_t>(report.slides.size());
  std::string text = fmt::format(
      "The network {} ({} trained values{}) was trained end to end on {}, {} steps with the loss {}. It {}.",
      html::Escape(report.model), Grouped(session.parameters),
      session.frozen > 0 ? fmt::format(", {} more were left as they were", Grouped(session.frozen)) : "",
      TrainedOn(report), Grouped(report.history.steps), html::Escape(session.loss),
      html::Escape(report.task));
  if (report.history.best_step > 0) {
    text += fmt::format(
        " The weights after step {} did best on the {} and are the ones that are judged here.",
        Grouped(report.history.best_step), Plural(validation, ("validation " + report.unit).c_str()));
  } else {
    text += " There were none to validate on and choose weights by: those of the last step are judged here.";
  }
  if (report.unseen) {
    text += fmt::format(" The {} that it is judged on had no part in either.",
                        test == 1 ? report.unit : Plural(test, report.unit.c_str()));
  }
  return text;
}

}  // namespace

std::string SummarySection(const Report& report) {
  std::string section = "<section aria-labelledby=\"summary\">\n<h2 id=\"summary\">Summary</h2>\n<p>" +
                        Sentences(report) + "</p>\n";
  if (!report.warnings.empty()) {
    section += "<div class=\"warnings\" role=\"note\"><ul>\n";
    for (const std::string& warning : report.warnings) section += "<li>" + html::Escape(warning) + "</li>\n";
    section += "</ul></div>\n";
  }
  section += "<ul class=\"tiles\">\n";
  for (size_t i = 0; i < report.figures.front().figures.size(); ++i) {
    const Estimate& estimate = report.figures.front().figures[i];
    const std::string interval = IntervalText(estimate.interval);
    section += fmt::format(
        "<li><span class=\"name\">{}</span><span class=\"value\">{}</span><span class=\"interval\">{}</span>"
        "</li>\n",
        html::Escape(report.figure_names[i]), Figure(estimate.value),
        interval.empty() ? "no interval" : "95 %: " + interval);
  }
  return section + "</ul>\n</section>\n";
}

}  // namespace swath
