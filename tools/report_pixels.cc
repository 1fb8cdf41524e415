#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <utility>

#include "augment/wrapped_rows.h"
#include "base/quantities.h"
#include "output/encode_picture.h"
#include "swath/class_colour.h"
#include "swath/model.h"
#include "swath/overlay.h"
#include "swath/slide.h"
#include "tools/evaluate_pixels.h"
#include "tools/evaluate_targets.h"
#include "tools/predict_task.h"
#include "tools/report_parts.h"

namespace swath::tools {
namespace {

/// Classes of the picture of mistakes, chosen for their colours.
constexpr uint8_t kMissed = 4, kTooMuch = 6;
constexpr int64_t kMistakeClasses = 7;

/// A slide in pale grey, on which colours stand out.
class GreyRows final : public WrappedRows {
 public:
  using WrappedRows::WrappedRows;
  std::unique_ptr<RowSource> Clone() const override { return std::make_unique<GreyRows>(source_->Clone()); }
  void Read(Range rows, uint8_t* dst) override {
    source_->Read(rows, dst);
    for (uint8_t* pixel = dst; pixel < dst + rows.size() * row_bytes(); pixel += 3) {
      const int grey = (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) / 1000;
      std::fill_n(pixel, 3, static_cast<uint8_t>(96 + grey * 5 / 8));
    }
  }
};

/// The reference, the prediction and where they differ, collected while a slide is judged.
class SlidePictures {
 public:
  SlidePictures(const DatasetEntry& entry, int64_t classes, uint8_t ignore_label)
      : classes_(classes),
        ignore_(ignore_label),
        reference_(entry.width(), entry.height(), classes, kPictureSide),
        prediction_(entry.width(), entry.height(), classes, kPictureSide),
        mistakes_(entry.width(), entry.height(), kMistakeClasses, kPictureSide),
        row_(static_cast<size_t>(entry.width())) {}

  static int64_t BufferBytes(int64_t classes) {
    return Overlay::BufferBytes(kPictureSide, kPictureSide, 2 * classes + kMistakeClasses, kPictureSide);
  }

  void AddRow(const uint8_t* labels, const uint8_t* predicted) {
    prediction_.AddRow(predicted);
    for (size_t x = 0; x < row_.size(); ++x) row_[x] = labels[x] == ignore_ ? uint8_t{0} : labels[x];
    reference_.AddRow(row_.data());
    for (size_t x = 0; x < row_.size(); ++x) {
      const bool wrong = labels[x] != ignore_ && labels[x] != predicted[x];
      row_[x] = !wrong ? uint8_t{0} : classes_ == 2 && labels[x] == 1 ? kMissed : kTooMuch;
    }
    mistakes_.AddRow(row_.data());
  }

  std::vector<ReportPicture> Draw(const Dataset& dataset, const DatasetEntry& entry) const {
    const auto slide = Slide::Open(entry.slide, entry.slide_options);
    const RowOptions rows = RowsOf(dataset, entry);
    const double downsample =
        static_cast<double>(Shown(slide->info(), rows).width) / static_cast<double>(reference_.width());
    const auto draw = [&](const char* caption, const Overlay& overlay) {
      auto thumbnail = OpenThumbnail(*slide, rows, downsample);
      if (&overlay == &mistakes_) thumbnail = std::make_unique<GreyRows>(std::move(thumbnail));
      return ReportPicture{caption, EncodeJpeg(overlay.Draw(*thumbnail).data(), overlay.width(),
                                               overlay.height(), kPictureQuality, Chroma::kFull)};
    };
    return {draw("reference", reference_), draw("prediction", prediction_), draw("mistakes", mistakes_)};
  }

 private:
  int64_t classes_;
  uint8_t ignore_;
  Overlay reference_, prediction_, mistakes_;
  std::vector<uint8_t> row_;
};

/// The slides' order, worst first; of equals the first in the file.
std::vector<size_t> WorstFirst(const std::vector<PixelScore>& scores) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a].Dice() < scores[b].Dice(); });
  return order;
}

using ClassFigure = double (Confusion::*)(int64_t) const;
constexpr ClassFigure kFigures[] = {&Confusion::Dice, &Confusion::Iou, &Confusion::Precision,
                                    &Confusion::Recall};

double Mean(const std::vector<double>& values) {
  double sum = 0, count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    count += 1;
  }
  return sum / count;
}

/// A row of figures for some classes: of each slide the mean over them, and of that the mean over slides.
FigureRow FiguresOf(const std::string& name, const std::vector<PixelScore>& scores,
                    const std::vector<int64_t>& classes) {
  FigureRow row{.name = name};
  for (const ClassFigure figure : kFigures) {
    std::vector<double> values;
    for (const PixelScore& score : scores) {
      std::vector<double> of_classes;
      for (const int64_t c : classes) of_classes.push_back((score.confusion.*figure)(c));
      values.push_back(Mean(of_classes));
    }
    row.figures.push_back(MeanEstimate(values));
  }
  return row;
}

void FillFigures(const std::vector<PixelScore>& scores, Report* report) {
  const std::vector<int64_t> judged = JudgedClasses(scores.front().confusion.classes());
  report->figure_names = {"Dice", "IoU", "precision", "recall"};
  if (judged.size() > 1) report->figures.push_back(FiguresOf("mean over the classes", scores, judged));
  for (const int64_t c : judged)
    report->figures.push_back(FiguresOf(report->classes[static_cast<size_t>(c)], scores, {c}));
  std::vector<double> otsu;
  report->confusion = scores.front().confusion;
  for (size_t i = 0; i < scores.size(); ++i) {
    otsu.push_back(scores[i].otsu);
    if (i > 0) report->confusion->Add(scores[i].confusion);
  }
  report->figure_notes = {fmt::format(
      "Means over {}, each counting the same. Dice is 2 · both / (predicted + true) and IoU "
      "both / either, in pixels, and 1 where a class neither is nor is predicted; precision is the "
      "share of what is predicted that is true, recall (sensitivity) of what is true that is "
      "predicted. For comparison: any tissue against the first class by Otsu's threshold on "
      "saturation has a mean Dice of {:.4f}.",
      Plural(static_cast<int64_t>(scores.size()), "slide"), Mean(otsu))};
  for (std::string& note : BootstrapNotes(scores.size())) report->figure_notes.push_back(std::move(note));
}

void FillSlides(const std::vector<PixelScore>& scores, std::vector<std::vector<ReportPicture>> pictures,
                Report* report) {
  report->slide_columns = {"Dice", "IoU", "loss", "Otsu Dice"};
  const int64_t classes = scores.front().confusion.classes();
  const auto each = classes > 2 ? JudgedClasses(classes) : std::vector<int64_t>{};
  for (const int64_t c : each)
    report->slide_columns.push_back("Dice of " + report->classes[static_cast<size_t>(c)]);
  for (const size_t i : WorstFirst(scores)) {
    const PixelScore& score = scores[i];
    ReportSlide slide{.name = score.slide,
                      .remark = fmt::format("Dice {:.4f}", score.Dice()),
                      .pictures = std::move(pictures[i])};
    for (const double value : {score.Dice(), score.Iou(), score.loss, score.otsu})
      slide.figures.push_back(fmt::format("{:.4f}", value));
    for (const int64_t c : each) slide.figures.push_back(fmt::format("{:.4f}", score.confusion.Dice(c)));
    report->slides.push_back(std::move(slide));
  }
  report->picture_note =
      "A place of the picture shows what most of its pixels are; where nothing is known the reference shows "
      "the "
      "slide.";
  for (int64_t c = 1; c < classes; ++c)
    report->legend.push_back({ClassColour(static_cast<uint8_t>(c)), report->classes[static_cast<size_t>(c)]});
  if (classes == 2) {
    report->legend.push_back({ClassColour(kMissed), "mistakes: missed"});
    report->legend.push_back({ClassColour(kTooMuch), "mistakes: too much"});
  } else {
    report->legend.push_back({ClassColour(kTooMuch), "mistakes: another class"});
  }
}

}  // namespace

void ReportPixels(const ReportTask& task, Report* report) {
  report->classes = ModelClasses(task.graph);
  report->classes.resize(static_cast<size_t>(std::max<int64_t>(2, OutputChannels(task.graph))));
  report->task = "sorts pixels into " + Listed(report->classes);
  report->counted = "pixels of all slides";
  const int64_t classes = static_cast<int64_t>(report->classes.size());
  const PixelEvaluator evaluator(task.dataset, task.graph, task.ignore_label, task.resources,
                                 SlidePictures::BufferBytes(classes));
  std::vector<PixelScore> scores;
  std::vector<std::vector<ReportPicture>> pictures;
  for (const DatasetEntry& entry : task.dataset.entries) {
    if (!task.Judges(entry)) continue;
    SlidePictures collected(entry, classes, task.ignore_label);
    scores.push_back(evaluator.Score(entry, [&](const uint8_t* labels, const uint8_t* predicted) {
      collected.AddRow(labels, predicted);
    }));
    pictures.emplace_back();
    // Who is among the worst and the best is known at the end; until then only those so far are kept.
    const std::vector<size_t> order = WorstFirst(scores);
    for (size_t rank = 0; rank < order.size(); ++rank) {
      const bool kept = rank < kPictured || rank + kPictured >= order.size();
      std::vector<ReportPicture>& own = pictures[order[rank]];
      if (!kept) own.clear();
      if (kept && order[rank] + 1 == scores.size())
        own = AtEntry(task.dataset, entry, [&] { return collected.Draw(task.dataset, entry); });
    }
  }
  FillFigures(scores, report);
  FillSlides(scores, std::move(pictures), report);
}

}  // namespace swath::tools
