#include "tools/objective.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "swath/model.h"

namespace swath::tools {

std::vector<double> OwnedObjective::AnyTarget() const {
  return slide ? std::vector<double>(static_cast<size_t>(slide->targets()), 1.0) : std::vector<double>{};
}

SlideLossKind ChooseSlideLoss(const Graph& graph, const std::optional<std::string>& loss) {
  return ParseSlideLossKind(loss.value_or(OutputChannels(graph) == 1 ? "bce" : "cross-entropy"));
}

OwnedObjective MakeObjective(const Graph& graph, const std::optional<std::string>& loss, int ignore_label) {
  OwnedObjective made;
  const int64_t outputs = OutputChannels(graph);
  if (InCore(graph)[static_cast<size_t>(graph.output)]) {
    const SlideLossKind kind = ChooseSlideLoss(graph, loss);
    made.slide = MakeSlideLoss({.kind = kind, .values = outputs});
    made.name = ToString(kind);
  } else {
    const LossKind kind = ParseLossKind(loss.value_or(outputs == 1 ? "bce" : "cross-entropy"));
    made.pixels = MakeLoss({.kind = kind, .logits = outputs, .ignore_label = ignore_label});
    made.name = ToString(kind);
  }
  return made;
}

CLI::Option* AddBatchNormalizationOption(CLI::App* command, std::optional<std::string>* mode) {
  return command
      ->add_option(
          "--batchnorm", *mode,
          "Of a network with BatchNormalization: frozen (running statistics stay) or image (statistics\n"
          "of the whole slide, exact, in more sweeps)")
      ->check(CLI::IsMember({"frozen", "image"}));
}

void ChooseBatchNormalization(const std::string& model, const std::optional<std::string>& mode,
                              Graph* graph) {
  const bool image = mode && *mode == "image";
  const int64_t count =
      SetBatchNormalization(graph, image ? BatchNormalizationMode::kImage : BatchNormalizationMode::kFrozen);
  if (count > 0 && !mode) {
    Fail(ErrorCode::kUsage,
         "{}: has {} BatchNormalization{}: say --batchnorm frozen (the running statistics of the file stay, "
         "one sweep) "
         "or --batchnorm image (statistics of the whole slide, exactly, in up to {} sweeps a step)",
         model, count, count == 1 ? "" : "s", 2 * count + 1);
  }
  if (count == 0 && mode) Fail(ErrorCode::kUsage, "--batchnorm: {} has no BatchNormalization", model);
}

}  // namespace swath::tools
