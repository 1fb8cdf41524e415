#include "report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/html.h"

namespace swath {
namespace {

constexpr double kSide = 300, kLeft = 52, kTop = 14, kBottom = 46, kRight = 16;
constexpr int kColours = 6;  // in the style sheet

struct Scale {
  double low = 0;
  double high = 1;

  double X(double value) const { return kLeft + (value - low) / (high - low) * kSide; }
  double Y(double value) const { return kTop + (high - value) / (high - low) * kSide; }
};

struct Labels {
  std::string title;
  std::string x;
  std::string y;
};

std::string Chart(const Scale& scale, const Labels& labels, const std::string& content) {
  std::string axes;
  for (int i = 0; i <= 4; ++i) {
    const double value = scale.low + (scale.high - scale.low) * i / 4;
    axes += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>"
        "<line class=\"grid\" x1=\"{3}\" x2=\"{4}\" y1=\"{5:.1f}\" y2=\"{5:.1f}\"/>"
        "<text x=\"{0:.1f}\" y=\"{6}\" text-anchor=\"middle\">{7:.4g}</text>"
        "<text x=\"{8}\" y=\"{9:.1f}\" text-anchor=\"end\">{7:.4g}</text>\n",
        scale.X(value), kTop, kTop + kSide, kLeft, kLeft + kSide, scale.Y(value), kTop + kSide + 17, value,
        kLeft - 6, scale.Y(value) + 4);
  }
  return fmt::format(
      "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\">"
      "<title>{2}</title>\n{3}"
      "<line class=\"diagonal\" x1=\"{4:.1f}\" y1=\"{5:.1f}\" x2=\"{6:.1f}\" y2=\"{7:.1f}\"/>\n{8}"
      "<text x=\"{9}\" y=\"{10}\" text-anchor=\"middle\">{11}</text>"
      "<text transform=\"translate(14 {12}) rotate(-90)\" text-anchor=\"middle\">{13}</text>\n</svg>\n",
      kLeft + kSide + kRight, kTop + kSide + kBottom, html::Escape(labels.title), axes, scale.X(scale.low),
      scale.Y(scale.low), scale.X(scale.high), scale.Y(scale.high), content, kLeft + kSide / 2,
      kTop + kSide + 38, html::Escape(labels.x), kTop + kSide / 2, html::Escape(labels.y));
}

}  // namespace

std::string DrawRoc(const std::vector<RocSeries>& series) {
  const Scale scale;
  std::string content;
  for (size_t i = 0; i < series.size(); ++i) {
    const int colour = static_cast<int>(i) % kColours;
    content += fmt::format("<polyline class=\"line colour{}\" points=\"", colour);
    for (const RocPoint& point : series[i].curve)
      content += fmt::format("{:.1f},{:.1f} ", scale.X(point.false_positives), scale.Y(point.true_positives));
    content += "\"/>\n";
    if (series.size() == 1) continue;
    const double y = kTop + kSide - 14 - 17 * static_cast<double>(series.size() - 1 - i);
    content += fmt::format(
        "<line class=\"line colour{}\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/><text x=\"{}\" y=\"{}\">{}"
        "</text>\n",
        colour, kLeft + kSide - 130, kLeft + kSide - 110, y - 4, y - 4, kLeft + kSide - 104, y,
        html::Escape(series[i].label));
  }
  return Chart(scale, {"ROC curve", "false positives (1 − specificity)", "true positives (sensitivity)"},
               content);
}

std::string DrawScatter(const std::string& label, const std::vector<ScatterPoint>& points) {
  Scale scale{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const ScatterPoint& point : points) {
    scale.low = std::min({scale.low, point.target, point.predicted});
    scale.high = std::max({scale.high, point.target, point.predicted});
  }
  const double margin = std::max(0.04 * (scale.high - scale.low), 1e-9 + 1e-6 * std::abs(scale.high));
  scale = {scale.low - margin, scale.high + margin};
  std::string content;
  for (const ScatterPoint& point : points) {
    content += fmt::format(
        "<circle class=\"dot\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\"><title>{}: {:.4g} for {:.4g}</title>"
        "</circle>\n",
        scale.X(point.target), scale.Y(point.predicted), html::Escape(point.slide), point.predicted,
        point.target);
  }
  return Chart(scale, {label + ": predictions over targets", "target", "prediction"}, content);
}

}  // namespace swath
