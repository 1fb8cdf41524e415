/// The parts of the page, one a file. Each returns HTML.
#pragma once

#include <string>

#include "report/report.h"

namespace swath {

/// What was done, in sentences, what to beware of, and the figures that count.
std::string SummarySection(const Report& report);
/// All figures with their intervals, the confusion matrix, diagrams.
std::string ResultsSection(const Report& report);
/// Pictures of the slides that have them, and a table of all.
std::string SlidesSection(const Report& report);
/// Curves, options, and the plan of a step beside what it took.
std::string TrainingSection(const Report& report);
/// Where it ran, on which files; how to do it again and how to cite it.
std::string ProvenanceSection(const Report& report);

/// "6 slides", or "random regions of 512 × 512 px of 6 slides".
std::string TrainedOn(const Report& report);

/// "0.9829".
std::string Figure(double value);
/// "0.9769 to 0.9876"; empty where there is none.
std::string IntervalText(const Interval& interval);
/// A count with thin spaces between thousands.
std::string Grouped(int64_t count);

}  // namespace swath
