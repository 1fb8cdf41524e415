#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "output/encode_picture.h"
#include "output/shrink.h"
#include "report/charts.h"
#include "swath/model.h"
#include "swath/otsu.h"
#include "tools/attention_map.h"
#include "tools/evaluate_targets.h"
#include "tools/predict_task.h"
#include "tools/report_parts.h"
#include "train/slide_score.h"

namespace swath::tools {
namespace {

/// A share of slides, with its score interval.
Estimate Share(int64_t part, int64_t whole) {
  return {static_cast<double>(part) / static_cast<double>(whole), WilsonInterval(part, whole)};
}

/// The score that `swath eval` prints, with a bootstrap interval over slides.
Estimate ScoreEstimate(const TargetScores& scores, SlideLossKind kind) {
  if (scores.auc_interval) return WithInterval(scores.score.value, *scores.auc_interval);
  const auto of = [&](const std::vector<size_t>& drawn) {
    std::vector<std::vector<double>> outputs, targets;
    for (const size_t i : drawn) {
      outputs.push_back(scores.slides[i].output);
      targets.push_back(scores.slides[i].target);
    }
    return SlideScore(kind, outputs, targets).value;
  };
  return WithInterval(scores.score.value, Bootstrap(scores.slides.size(), kDraws, kDrawSeed, of));
}

Estimate AreaEstimate(const std::vector<double>& outputs, const std::vector<bool>& positive) {
  return WithInterval(AreaUnderRoc(outputs, positive), BootstrapRoc(outputs, positive, kDraws, kDrawSeed));
}

size_t Largest(const std::vector<double>& values) {
  return static_cast<size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

/// One label, or several that do not exclude each other.
void FillLabels(const TargetScores& scores, const SlideOutputs& outputs, Report* report) {
  report->figure_names = {"AUC", "sensitivity", "specificity", "accuracy"};
  const size_t labels = static_cast<size_t>(outputs.values());
  std::vector<RocSeries> curves;
  for (size_t v = 0; v < labels; ++v) {
    const std::vector<double> logits = scores.Outputs(v);
    const std::vector<bool> positive = scores.Positive(v);
    Confusion confusion(2);
    for (size_t i = 0; i < logits.size(); ++i) confusion.Add(positive[i], logits[i] > 0);
    const int64_t right = confusion.Count(0, 0) + confusion.Count(1, 1);
    const std::string name = outputs.Names()[v];
    report->figures.push_back(
        {name,
         {AreaEstimate(logits, positive), Share(confusion.Count(1, 1), confusion.True(1)),
          Share(confusion.Count(0, 0), confusion.True(0)), Share(right, confusion.Total())}});
    if (labels == 1) report->confusion = confusion;
    auto curve = RocCurve(logits, positive);
    if (!curve.empty()) curves.push_back({name, std::move(curve)});
  }
  if (labels > 1)
    report->figures.insert(report->figures.begin(),
                           {"mean over the labels", {ScoreEstimate(scores, outputs.kind()), {}, {}, {}}});
  if (!curves.empty()) report->charts.push_back(DrawRoc(curves));
  report->figure_notes.push_back(
      "AUC is the area under the ROC curve: the share of pairs of a positive and a negative slide in which "
      "the "
      "positive one has the higher output. Sensitivity is the share of positives, specificity of negatives, "
      "that "
      "are told as such at a probability of 0.5. An AUC of 1 has no "
      "interval: all draws agree.");
}

/// One class of several.
void FillClasses(const TargetScores& scores, const SlideOutputs& outputs, Report* report) {
  report->figure_names = {"accuracy", "AUC", "precision", "recall"};
  const int64_t classes = outputs.values();
  Confusion confusion(classes);
  for (const TargetScores::Slide& slide : scores.slides) {
    confusion.Add(static_cast<int64_t>(slide.target[0]), static_cast<int64_t>(Largest(slide.output)));
  }
  int64_t right = 0;
  std::vector<RocSeries> curves;
  std::vector<FigureRow> rows;
  for (int64_t c = 0; c < classes; ++c) {
    right += confusion.Count(c, c);
    std::vector<double> probabilities;
    std::vector<bool> positive;
    for (const TargetScores::Slide& slide : scores.slides) {
      probabilities.push_back(slide.figures[static_cast<size_t>(c)]);
      positive.push_back(static_cast<int64_t>(slide.target[0]) == c);
    }
    const std::string name = outputs.Names()[static_cast<size_t>(c)];
    rows.push_back({name,
                    {{},
                     AreaEstimate(probabilities, positive),
                     Share(confusion.Count(c, c), confusion.Predicted(c)),
                     Share(confusion.Count(c, c), confusion.True(c))}});
    auto curve = RocCurve(probabilities, positive);
    if (!curve.empty()) curves.push_back({name, std::move(curve)});
  }
  const auto mean = [&](size_t figure) {
    double sum = 0, count = 0;
    for (const FigureRow& row : rows) {
      if (std::isnan(row.figures[figure].value)) continue;
      sum += row.figures[figure].value;
      count += 1;
    }
    return Estimate{.value = sum / count};
  };
  report->figures = {{"all classes", {Share(right, confusion.Total()), mean(1), mean(2), mean(3)}}};
  report->figures.insert(report->figures.end(), rows.begin(), rows.end());
  report->confusion = confusion;
  if (!curves.empty()) report->charts.push_back(DrawRoc(curves));
  report->figure_notes.push_back(
      "Accuracy is the share of slides whose class has the highest output. AUC is the area under the ROC "
      "curve of a "
      "class against all others, by its probability. Those of all classes are means over the classes.");
}

void FillNumbers(const TargetScores& scores, const SlideOutputs& outputs, Report* report) {
  report->figure_names = {"RMSE", "mean absolute error"};
  const size_t values = static_cast<size_t>(outputs.values());
  std::vector<double> all;
  for (size_t v = 0; v < values; ++v) {
    std::vector<double> squares, sizes;
    std::vector<ScatterPoint> points;
    for (const TargetScores::Slide& slide : scores.slides) {
      const double error = slide.output[v] - slide.target[v];
      squares.push_back(error * error);
      sizes.push_back(std::abs(error));
      points.push_back({slide.target[v], slide.output[v], slide.entry->name});
    }
    Estimate root = MeanEstimate(squares);
    for (double* value : {&root.value, &root.interval.low, &root.interval.high}) *value = std::sqrt(*value);
    const std::string name = outputs.Names()[v];
    report->figures.push_back({name, {root, MeanEstimate(sizes)}});
    report->charts.push_back(DrawScatter(name, points));
  }
  if (values > 1)
    report->figures.insert(report->figures.begin(),
                           {"all values", {ScoreEstimate(scores, outputs.kind()), {}}});
  report->figure_notes.push_back(
      "RMSE is the root of the mean square of prediction less target. On the diagonal both are equal.");
}

/// Where it looked, or else the slide alone.
ReportPicture Picture(const ReportTask& task, const std::optional<AttentionMap>& attention,
                      const DatasetEntry& entry) {
  const RowOptions rows = RowsOf(task.dataset, entry);
  if (attention) {
    const PredictTask predict{entry.slide, entry.name, rows, entry.slide_options};
    const SlideSample sample = OpenSample(task.dataset, entry, task.graph, kIgnoredLabel);
    const PlanOptions plan = attention->Fit(predict, *sample.image, task.resources).plan.options;
    const AttentionMap::Picture picture = attention->Draw(predict, *sample.image, plan);
    return {"where the network looked",
            EncodeJpeg(picture.rgb.data(), picture.width, picture.height, kPictureQuality, Chroma::kFull)};
  }
  const auto slide = Slide::Open(entry.slide, entry.slide_options);
  const Region shown = Shown(slide->info(), rows);
  const PictureSize size = FitPicture(shown.width, shown.height, kPictureSide);
  const auto thumbnail =
      OpenThumbnail(*slide, rows, static_cast<double>(shown.width) / static_cast<double>(size.wide));
  return {"slide", EncodeJpeg(Shrink(*thumbnail, size.wide, size.high).data(), size.wide, size.high,
                              kPictureQuality, Chroma::kFull)};
}

void FillSlides(const ReportTask& task, const TargetScores& scores, const SlideOutputs& outputs,
                Report* report) {
  const auto loss = MakeSlideLoss({.kind = outputs.kind(), .values = outputs.values()});
  report->slide_columns = {"target", "loss"};
  for (const std::string& name : outputs.Names()) report->slide_columns.push_back(name);
  struct Judged {
    const TargetScores::Slide* slide;
    double loss;
  };
  std::vector<Judged> order;
  for (const TargetScores::Slide& slide : scores.slides)
    order.push_back({&slide, loss->Evaluate(slide.output, slide.target, nullptr)});
  std::stable_sort(order.begin(), order.end(),
                   [](const Judged& a, const Judged& b) { return a.loss > b.loss; });
  const std::optional<AttentionMap> attention = AttentionMap::Of(task.graph);
  if (attention)
    report->picture_note = "Where the network looked: bright places weigh most, in each slide by itself.";
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const auto& [slide, value] = order[rank];
    std::vector<std::string> named;
    ReportSlide shown{.name = slide->entry->name,
                      .figures = {slide->entry->target, fmt::format("{:.4f}", value)}};
    for (size_t v = 0; v < slide->figures.size(); ++v) {
      shown.figures.push_back(fmt::format("{:.4f}", slide->figures[v]));
      named.push_back(fmt::format("{} {:.4f}", outputs.Names()[v], slide->figures[v]));
    }
    shown.remark = fmt::format("target {}, {}", slide->entry->target, fmt::join(named, ", "));
    if (rank < kPictured || rank + kPictured >= order.size()) {
      shown.pictures.push_back(
          AtEntry(task.dataset, *slide->entry, [&] { return Picture(task, attention, *slide->entry); }));
    }
    report->slides.push_back(std::move(shown));
  }
}

}  // namespace

void ReportTargets(const ReportTask& task, Report* report) {
  const SlideOutputs outputs(task.graph);
  const TargetScores scores = EvaluateTargets(outputs, task.graph, task.dataset, task.split, task.resources);
  report->classes = outputs.classes();
  report->counted = "slides";
  const bool numbers = outputs.kind() == SlideLossKind::kMse;
  report->task = numbers ? "gives numbers of a slide: " + Listed(outputs.Names())
                         : "tells slides apart: " + Listed(outputs.classes());
  if (numbers) {
    FillNumbers(scores, outputs, report);
  } else if (outputs.kind() == SlideLossKind::kCrossEntropy) {
    FillClasses(scores, outputs, report);
  } else {
    FillLabels(scores, outputs, report);
  }
  if (!numbers)
    report->figure_notes.push_back("Intervals of shares are Wilson's score intervals for so many slides.");
  for (std::string& note : BootstrapNotes(scores.slides.size()))
    report->figure_notes.push_back(std::move(note));
  FillSlides(task, scores, outputs, report);
}

}  // namespace swath::tools
