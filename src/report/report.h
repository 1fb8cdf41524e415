/// What a report tells, and the page that tells it.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "report/confusion.h"
#include "swath/metrics.h"
#include "train/run_history.h"
#include "train/run_session.h"

namespace swath {

/// A figure of the slides that were judged.
struct Estimate {
  double value = std::numeric_limits<double>::quiet_NaN();
  Interval interval = {std::numeric_limits<double>::quiet_NaN(),
                       std::numeric_limits<double>::quiet_NaN()};  ///< 95 %; not numbers where there is none
};

/// All classes, or one of them: what `Report::figure_names` are of it.
struct FigureRow {
  std::string name;
  std::vector<Estimate> figures;
};

struct ReportPicture {
  std::string caption;
  std::vector<uint8_t> jpeg;
};

struct ReportSlide {
  std::string name;
  std::string remark;                ///< "Dice 0.9769"
  std::vector<std::string> figures;  ///< by Report::slide_columns; text
  std::vector<ReportPicture> pictures;
};

struct LegendEntry {
  std::array<uint8_t, 3> colour{};
  std::string text;
};

/// A file of the data set, as it was when the report was made.
struct ReportFile {
  std::string name;
  std::string split;
  int64_t bytes = 0;
  int64_t files = 1;  ///< of which it consists
  std::string sha256;
  bool changed = false;  ///< since it was trained on, by size or time; or it was not there then
};

/// Whole numbers are counts, texts as they came, from whatever source: the page escapes them.
struct Report {
  std::string run;                    ///< path of the folder, as it was given
  std::string model;                  ///< name of the network
  std::string model_sha256;           ///< of model.onnx
  std::string split;                  ///< that was judged
  std::string unit;                   ///< of what is judged: "slide", or "region" of one
  std::string task;                   ///< what the network does: "sorts pixels into background and tissue"
  std::string counted;                ///< by the confusion matrix: "pixels of all slides", or "slides"
  bool unseen = false;                ///< what is judged had no part in training and choosing weights
  std::vector<std::string> warnings;  ///< what a reader has to know before the figures
  int64_t made = 0;                   ///< seconds since 1970
  Environment environment;            ///< of the report's own process

  std::vector<std::string> figure_names;
  std::vector<FigureRow> figures;         ///< the first is what the network is judged by
  std::vector<std::string> figure_notes;  ///< below them: how the intervals came about
  std::vector<std::string> classes;
  std::optional<Confusion> confusion;
  std::vector<std::string> charts;  ///< SVG, HTML-safe

  std::vector<std::string> slide_columns;
  std::vector<ReportSlide> slides;  ///< all that were judged, worst first
  std::string picture_note;         ///< what the pictures show; may be empty
  std::vector<LegendEntry> legend;

  RunHistory history;
  std::vector<RunSession> sessions;
  std::string config;  ///< the run's config.toml

  std::string csv_name;
  std::string csv_sha256;
  std::vector<ReportFile> files;
};

/// One HTML page, with everything in it: style sheet, diagrams, pictures. No script.
std::string ReportPage(const Report& report);

}  // namespace swath
