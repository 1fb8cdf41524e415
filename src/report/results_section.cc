#include <fmt/format.h>

#include <cmath>

#include "report/html.h"
#include "report/sections.h"

namespace swath {
namespace {

using Kind = html::Column::Kind;

std::string FiguresTable(const Report& report) {
  std::vector<html::Column> columns = {{"", Kind::kText}};
  for (const std::string& name : report.figure_names) columns.push_back({html::Escape(name), Kind::kNumber});
  html::Table table("Figures with 95 % intervals", columns);
  for (const FigureRow& row : report.figures) {
    std::vector<std::string> cells = {html::Escape(row.name)};
    for (const Estimate& estimate : row.figures) {
      cells.push_back(Figure(estimate.value));
      const std::string interval = IntervalText(estimate.interval);
      if (!interval.empty()) cells.back() += "<span class=\"interval\">" + interval + "</span>";
    }
    table.Row(cells);
  }
  std::string notes;
  for (const std::string& note : report.figure_notes)
    notes += "<p class=\"note\">" + html::Escape(note) + "</p>\n";
  return table.Html() + notes;
}

/// Shares are of the row: of what is true.
std::string ConfusionTable(const Report& report) {
  const Confusion& confusion = *report.confusion;
  std::string head, body;
  for (int64_t c = 0; c < confusion.classes(); ++c)
    head += fmt::format("<th scope=\"col\">{}</th>", html::Escape(report.classes[static_cast<size_t>(c)]));
  for (int64_t truth = 0; truth < confusion.classes(); ++truth) {
    body += fmt::format("<tr><th scope=\"row\">{}</th>",
                        html::Escape(report.classes[static_cast<size_t>(truth)]));
    const double all = static_cast<double>(confusion.True(truth));
    for (int64_t predicted = 0; predicted < confusion.classes(); ++predicted) {
      const int64_t count = confusion.Count(truth, predicted);
      const double share = all > 0 ? static_cast<double>(count) / all : 0;
      body += fmt::format("<td style=\"background:rgba({},{:.2f})\"><b>{}</b><span>{}</span></td>",
                          truth == predicted ? "42,111,176" : "200,80,30", 0.4 * share,
                          all > 0 ? fmt::format("{:.2f} %", 100 * share) : "–", Grouped(count));
    }
    body += "</tr>\n";
  }
  return fmt::format(
      "<div class=\"table\" tabindex=\"0\"><table class=\"confusion\">\n<caption>Confusion matrix: {}, "
      "shares of the row</caption>\n"
      "<thead><tr><th scope=\"col\">true \\ predicted</th>{}</tr></thead>\n<tbody>\n{}</tbody>\n</table>"
      "</div>\n",
      report.counted, head, body);
}

}  // namespace

std::string ResultsSection(const Report& report) {
  std::string section = "<section aria-labelledby=\"results\">\n<h2 id=\"results\">Results</h2>\n";
  section += FiguresTable(report);
  if (report.confusion) section += ConfusionTable(report);
  if (!report.charts.empty()) {
    section += "<div class=\"charts\">\n";
    for (const std::string& chart : report.charts) section += "<figure>" + chart + "</figure>\n";
    section += "</div>\n";
  }
  return section + "</section>\n";
}

}  // namespace swath
