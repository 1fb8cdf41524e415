#include "train/curves.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/error.h"

namespace swath {
namespace {

constexpr double kWidth = 860, kLeft = 74, kRight = 24, kTop = 56, kPanelHeight = 250, kGap = 64,
                 kBottom = 52;
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kHeight = kTop + 2 * kPanelHeight + kGap + kBottom;

/// A curve's colour, and its name in the style sheet.
struct Pen {
  const char* colour;
  const char* name;
};
constexpr Pen kTrain{"#2a6fb0", "train"}, kValidation{"#c8501e", "val"};

/// For browsers whose reader likes it dark; other programs take the attributes. Within a page it must touch
/// nothing else.
constexpr char kStyle[] =
    "<style>@media screen and (prefers-color-scheme: dark) {"
    " .swath-curves { fill: #c9ced6 } .swath-curves .paper { fill: #16181b }"
    " .swath-curves .frame { fill: #1d2024; stroke: #5b626c } .swath-curves .grid { stroke: #2f343a }"
    " .swath-curves .tick { stroke: #5b626c }"
    " .swath-curves .train { stroke: #6fb1ee } .swath-curves .val { stroke: #f08a5b }"
    " .swath-curves circle { fill: #f08a5b } }</style>\n";
constexpr size_t kMostPoints = 1500;
constexpr size_t kSmoothed = 5;  // a curve of fewer points is not smoothed

struct Axis {
  double low = 0;
  double high = 1;
  double tick = 0.1;
};

/// Ends on multiples of a tick of 1, 2 or 5 times a power of ten, with about `ticks` of them.
Axis RoundAxis(double low, double high, int ticks) {
  if (!(high > low)) high = low + 1;
  const double rough = (high - low) / ticks, power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double tick = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  return {std::floor(low / tick) * tick, std::ceil(high / tick) * tick, tick};
}

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return escaped;
}

/// One diagram. Values are picked from the points by `value`.
class Panel {
 public:
  Panel(double top, Axis steps, Axis values, double CurvePoint::*value)
      : top_(top), steps_(steps), values_(values), value_(value) {}

  void Frame(const std::string& label, std::string* svg) const {
    const auto out = std::back_inserter(*svg);
    fmt::format_to(out,
                   "<rect class='frame' x='{}' y='{}' width='{}' height='{}' fill='#fff' stroke='#999'/>\n",
                   kLeft, top_, kPlotWidth, kPanelHeight);
    for (double v = values_.low; v <= values_.high + values_.tick / 2; v += values_.tick) {
      fmt::format_to(out,
                     "<line class='grid' x1='{0}' x2='{1}' y1='{2:.1f}' y2='{2:.1f}' stroke='#e4e4e4'/>\n",
                     kLeft, kWidth - kRight, Y(v));
      fmt::format_to(out, "<text x='{}' y='{:.1f}' text-anchor='end'>{:.6g}</text>\n", kLeft - 8, Y(v) + 4,
                     std::abs(v) < values_.tick / 2 ? 0.0 : v);
    }
    for (double s = steps_.low; s <= steps_.high + steps_.tick / 2; s += steps_.tick) {
      fmt::format_to(out, "<line class='tick' x1='{0:.1f}' x2='{0:.1f}' y1='{1}' y2='{2}' stroke='#999'/>\n",
                     X(s), top_ + kPanelHeight, top_ + kPanelHeight + 5);
      fmt::format_to(out, "<text x='{:.1f}' y='{}' text-anchor='middle'>{:.6g}</text>\n", X(s),
                     top_ + kPanelHeight + 19, s);
    }
    fmt::format_to(out, "<text transform='translate(22 {}) rotate(-90)' text-anchor='middle'>{}</text>\n",
                   top_ + kPanelHeight / 2, label);
  }

  /// Each value in pale, and their running mean over a twentieth of the steps on top.
  void TrainingCurve(const std::vector<CurvePoint>& points, std::string* svg) const {
    Line(points, kTrain,
         points.size() > kSmoothed ? "stroke-width='1' stroke-opacity='0.3'" : "stroke-width='2'", svg);
    if (points.size() <= kSmoothed) return;
    const double keep = 1 - 1 / std::max(4.0, static_cast<double>(points.size()) / 20);
    std::vector<CurvePoint> smooth = points;
    double mean = 0, weight = 0;
    for (CurvePoint& point : smooth) {
      mean = keep * mean + (1 - keep) * point.*value_;
      weight = keep * weight + (1 - keep);  // the mean begins without a history
      point.*value_ = mean / weight;
    }
    Line(smooth, kTrain, "stroke-width='2'", svg);
  }

  void ValidationCurve(const std::vector<CurvePoint>& points, std::string* svg) const {
    Line(points, kValidation, "stroke-width='2'", svg);
    if (points.size() > kMostPoints / 10) return;
    for (const CurvePoint& point : points) {
      fmt::format_to(std::back_inserter(*svg), "<circle cx='{:.1f}' cy='{:.1f}' r='3' fill='{}'/>\n",
                     X(point), Y(point), kValidation.colour);
    }
  }

 private:
  void Line(const std::vector<CurvePoint>& points, const Pen& pen, const char* style,
            std::string* svg) const {
    if (points.empty()) return;
    const auto out = std::back_inserter(*svg);
    fmt::format_to(out, "<polyline class='{}' fill='none' stroke='{}' stroke-linejoin='round' {} points='",
                   pen.name, pen.colour, style);
    const size_t stride = std::max<size_t>(1, points.size() / kMostPoints);
    for (size_t i = 0; i < points.size(); i += stride)
      fmt::format_to(out, "{:.1f},{:.1f} ", X(points[i]), Y(points[i]));
    fmt::format_to(out, "{:.1f},{:.1f}'/>\n", X(points.back()), Y(points.back()));
  }

  double X(double step) const {
    return kLeft + (step - steps_.low) / (steps_.high - steps_.low) * kPlotWidth;
  }
  double Y(double value) const {
    const double clipped = std::clamp(value, values_.low, values_.high);
    return top_ + (values_.high - clipped) / (values_.high - values_.low) * kPanelHeight;
  }
  double X(const CurvePoint& point) const { return X(static_cast<double>(point.step)); }
  double Y(const CurvePoint& point) const { return Y(point.*value_); }

  double top_;
  Axis steps_;
  Axis values_;
  double CurvePoint::*value_;
};

/// From the least to the largest, but a few outliers of the training loss do not squeeze the rest.
Axis ValueAxis(const Curves& curves, double CurvePoint::*value) {
  std::vector<double> values;
  for (const CurvePoint& point : curves.train) values.push_back(point.*value);
  std::sort(values.begin(), values.end());
  double low = values.empty() ? 0 : values.front();
  double high = values.empty() ? 1 : values[(values.size() - 1) * 99 / 100];
  for (const CurvePoint& point : curves.validation) {
    low = std::min(low, point.*value);
    high = std::max(high, point.*value);
  }
  return RoundAxis(std::min(low, std::max(0.0, 0.5 * low)), high, 5);
}

/// The points that have this value.
Curves WithValues(const Curves& curves, double CurvePoint::*value) {
  Curves with;
  const auto has = [&](const CurvePoint& point) { return std::isfinite(point.*value); };
  std::copy_if(curves.train.begin(), curves.train.end(), std::back_inserter(with.train), has);
  std::copy_if(curves.validation.begin(), curves.validation.end(), std::back_inserter(with.validation), has);
  return with;
}

void Legend(double x, const Pen& pen, const std::string& text, std::string* svg) {
  fmt::format_to(std::back_inserter(*svg),
                 "<line class='{}' x1='{}' x2='{}' y1='40' y2='40' stroke='{}' stroke-width='3'/>"
                 "<text x='{}' y='44'>{}</text>\n",
                 pen.name, x, x + 22, pen.colour, x + 28, text);
}

}  // namespace

std::string DrawCurves(const std::string& title, const Curves& curves) {
  int64_t last = 1;
  for (const auto* points : {&curves.train, &curves.validation}) {
    if (!points->empty()) last = std::max(last, points->back().step);
  }
  Axis steps = RoundAxis(0, static_cast<double>(last), 10);
  steps.tick = std::max(steps.tick, 1.0);
  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' class='swath-curves' viewBox='0 0 {0} {1}' width='{0}' "
      "height='{1}' font-family='sans-serif' font-size='13' fill='#333'>\n{4}"
      "<rect class='paper' width='100%' height='100%' fill='#fafafa'/>\n"
      "<text x='{2}' y='24' font-size='16'>{3}</text>\n",
      kWidth, kHeight, kLeft, Escape(title), kStyle);
  Legend(kLeft, kTrain,
         curves.train.size() > kSmoothed ? "training (pale: each step; bold: running mean)" : "training",
         &svg);
  if (!curves.validation.empty()) Legend(kLeft + 370, kValidation, "validation (mean over slides)", &svg);
  struct Diagram {
    const char* label;
    double CurvePoint::*value;
  };
  double top = kTop;
  const std::string score = curves.score == "dice"  ? "Dice"
                            : curves.score == "auc" ? "area under the ROC curve"
                                                    : curves.score;
  for (const Diagram& diagram :
       {Diagram{"loss", &CurvePoint::loss}, Diagram{score.c_str(), &CurvePoint::score}}) {
    const Curves shown = WithValues(curves, diagram.value);
    const Panel panel(top, steps, ValueAxis(shown, diagram.value), diagram.value);
    panel.Frame(diagram.label, &svg);
    panel.TrainingCurve(shown.train, &svg);
    panel.ValidationCurve(shown.validation, &svg);
    top += kPanelHeight + kGap;
  }
  return svg + fmt::format("<text x='{}' y='{}' text-anchor='middle'>step</text>\n</svg>\n",
                           kLeft + kPlotWidth / 2, kHeight - 12);
}

}  // namespace swath
