#include "tools/slide_outputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "swath/model.h"

namespace swath::tools {

SlideOutputs::SlideOutputs(const Graph& graph)
    : graph_(graph),
      kind_(SlideLossKind::kBce),
      values_(OutputChannels(graph)),
      classes_(ModelClasses(graph)) {
  CheckSlideValues(graph);
  const auto loss = graph.metadata.find("swath.loss");
  if (loss != graph.metadata.end()) {
    kind_ = ParseSlideLossKind(loss->second);
  } else if (values_ > 1) {
    kind_ = SlideLossKind::kCrossEntropy;
  }
}

std::vector<std::string> SlideOutputs::Names() const {
  if (kind_ != SlideLossKind::kMse && values_ == 1) return {classes_[1]};
  return {classes_.begin(), classes_.begin() + values_};
}

std::vector<double> SlideOutputs::Figures(const std::string& slide, const std::vector<double>& output) const {
  for (const double value : output) {
    if (!std::isfinite(value)) Fail(ErrorCode::kNumeric, "{}: an output is {}", slide, value);
  }
  std::vector<double> figures = output;
  if (kind_ == SlideLossKind::kBce) {
    for (double& figure : figures) figure = 1 / (1 + std::exp(-figure));
  } else if (kind_ == SlideLossKind::kCrossEntropy) {
    const double most = *std::max_element(output.begin(), output.end());
    double sum = 0;
    for (double& figure : figures) sum += figure = std::exp(figure - most);
    for (double& figure : figures) figure /= sum;
  }
  return figures;
}

std::vector<double> SlideOutputs::Predict(const RowSource& image, const PlanOptions& options,
                                          const Progress& progress) const {
  return MakeStreamingEngine(graph_, nullptr, image.width(), image.height(), options)
      ->PredictSlide(image, progress);
}

}  // namespace swath::tools
