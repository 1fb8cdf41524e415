/// What `swath report` finds out, part by part.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/report.h"
#include "swath/dataset.h"
#include "swath/graph.h"
#include "tools/resources.h"
#include "tools/splits.h"

namespace swath::tools {

/// The worst and the best slides, so many of each, get pictures.
inline constexpr size_t kPictured = 3;
/// The longer side of a picture, and its quality as a JPEG.
inline constexpr int64_t kPictureSide = 720;
inline constexpr int kPictureQuality = 88;

/// What is judged, and on what.
struct ReportTask {
  const Dataset& dataset;
  const Graph& graph;
  std::string split;  ///< train, val, test or all
  uint8_t ignore_label = 255;
  const Resources& resources;

  bool Judges(const DatasetEntry& entry) const { return Includes(split, entry.split); }
};

/// Judge the network as `swath eval` does, with progress shown, and fill in what the page says of it: figures
/// with intervals, confusion matrix, slides and their pictures. Throw what slides throw.
void ReportPixels(const ReportTask& task, Report* report);
void ReportTargets(const ReportTask& task, Report* report);

/// Digests of the CSV file, slides and masks, with progress shown; those that are not as the last session had
/// them are marked, and warned of.
void ReportFiles(const Dataset& dataset, Report* report);

/// "background, stroma and tumour".
std::string Listed(const std::vector<std::string>& names);

/// For figures of so many slides: what intervals are, and how far to trust them.
std::vector<std::string> BootstrapNotes(size_t slides);

/// Without the interval where it has no width: no draw differed from another, which says nothing.
Estimate WithInterval(double value, const Interval& interval);

/// The mean of those that are numbers, with its interval over slides.
Estimate MeanEstimate(const std::vector<double>& values);

}  // namespace swath::tools
