#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "base/quantities.h"
#include "report/html.h"
#include "report/report.h"
#include "report/sections.h"
#include "report/style.h"

namespace swath {

std::string TrainedOn(const Report& report) {
  const std::string slides = Plural(report.sessions.back().training_slides, report.unit.c_str());
  const auto& region = report.sessions.back().sample_region;
  return region ? fmt::format("random parts of {} × {} px of {}", region->width, region->height, slides)
                : slides;
}

std::string Figure(double value) { return std::isnan(value) ? "–" : fmt::format("{:.4f}", value); }

std::string IntervalText(const Interval& interval) {
  if (std::isnan(interval.low) || std::isnan(interval.high)) return "";
  return fmt::format("{:.4f} to {:.4f}", interval.low, interval.high);
}

std::string Grouped(int64_t count) {
  const std::string digits = fmt::format("{}", count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') text += "\xE2\x80\xAF";
    text += digits[i];
  }
  return text;
}

std::string ReportPage(const Report& report) {
  std::filesystem::path folder = std::filesystem::absolute(report.run).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  const std::string title = html::Escape(folder.filename().string());
  std::string page = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"generator\" content=\"swath {}\">\n<title>{} – Swath report</title>\n<style>{}</style>\n"
      "</head>\n<body>\n<header>\n<p class=\"over\">Swath report</p>\n<h1>{}</h1>\n",
      html::Escape(report.environment.version), title, kReportStyle, title);
  page += fmt::format(
      "<p class=\"under\">{}, judged on {} of the split <b>{}</b>. Made on {} with Swath {}.</p>\n</header>\n"
      "<main>\n",
      html::Escape(report.model), Plural(static_cast<int64_t>(report.slides.size()), report.unit.c_str()),
      html::Escape(report.split), UtcTime(report.made), html::Escape(report.environment.version));
  page += SummarySection(report) + ResultsSection(report) + SlidesSection(report) + TrainingSection(report) +
          ProvenanceSection(report);
  return page +
         "</main>\n<footer>A record of an experiment, for research. It is no medical device and no basis for "
         "a diagnosis.</footer>\n</body>\n</html>\n";
}

}  // namespace swath
