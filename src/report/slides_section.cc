#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/sections.h"

namespace swath {
namespace {

std::string Legend(const std::vector<LegendEntry>& legend) {
  if (legend.empty()) return "";
  std::string items = "<ul class=\"legend\">\n";
  for (const LegendEntry& entry : legend) {
    items += fmt::format("<li><span class=\"swatch\" style=\"background:rgb({},{},{})\"></span>{}</li>\n",
                         entry.colour[0], entry.colour[1], entry.colour[2], html::Escape(entry.text));
  }
  return items + "</ul>\n";
}

std::string Figure(const ReportSlide& slide, const ReportPicture& picture, const std::string& caption) {
  return fmt::format("<figure><img src=\"{}\" alt=\"{}: {}\"><figcaption>{}</figcaption></figure>\n",
                     html::DataUri("image/jpeg", picture.jpeg), html::Escape(slide.name),
                     html::Escape(picture.caption), caption);
}

/// Slides below each other, with their pictures side by side; or slides side by side that have one each.
std::string Pictures(const std::vector<ReportSlide>& slides) {
  const auto has_several = [](const ReportSlide& slide) { return slide.pictures.size() > 1; };
  const bool several = std::any_of(slides.begin(), slides.end(), has_several);
  std::string pictures;
  for (const ReportSlide& slide : slides) {
    if (slide.pictures.empty()) continue;
    const std::string name = html::Escape(slide.name), remark = html::Escape(slide.remark);
    if (!several) {
      pictures += Figure(slide, slide.pictures[0], fmt::format("<b>{}</b><br>{}", name, remark));
      continue;
    }
    pictures +=
        fmt::format("<h3>{} <span class=\"note\">{}</span></h3>\n<div class=\"pictures\">\n", name, remark);
    for (const ReportPicture& picture : slide.pictures)
      pictures += Figure(slide, picture, html::Escape(picture.caption));
    pictures += "</div>\n";
  }
  return several ? pictures : "<div class=\"pictures\">\n" + pictures + "</div>\n";
}

}  // namespace

std::string SlidesSection(const Report& report) {
  const auto is_shown = [](const ReportSlide& slide) { return !slide.pictures.empty(); };
  const auto shown = std::count_if(report.slides.begin(), report.slides.end(), is_shown);
  std::string section = "<section aria-labelledby=\"slides\">\n<h2 id=\"slides\">Slides, worst first</h2>\n";
  if (shown > 0) {
    const bool all = shown == static_cast<int64_t>(report.slides.size());
    section += fmt::format(
        "<p>{} {}</p>\n",
        all ? "All slides that were judged." : "The worst and the best of those that were judged.",
        html::Escape(report.picture_note));
    section += Legend(report.legend) + Pictures(report.slides);
  }
  std::vector<html::Column> columns = {{"slide", html::Column::Kind::kText}};
  for (const std::string& name : report.slide_columns)
    columns.push_back({html::Escape(name), html::Column::Kind::kNumber});
  html::Table table("All slides that were judged", columns);
  for (const ReportSlide& slide : report.slides) {
    std::vector<std::string> cells = {html::Escape(slide.name)};
    for (const std::string& figure : slide.figures) cells.push_back(html::Escape(figure));
    table.Row(cells);
  }
  return section + table.Html() + "</section>\n";
}

}  // namespace swath
