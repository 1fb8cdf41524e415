/// What a network is trained for, as options on the command line say it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "swath/engine.h"
#include "swath/graph.h"
#include "swath/loss.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace swath::tools {

/// A loss over pixels or over slides, as the network's output is.
struct OwnedObjective {
  std::unique_ptr<Loss> pixels;
  std::unique_ptr<SlideLoss> slide;
  std::string name;  ///< of the loss

  Objective objective() const { return pixels ? Objective(pixels.get()) : Objective(slide.get()); }
  /// Something that the loss takes as a target, where nothing is known of the slide; empty for one over
  /// pixels.
  std::vector<double> AnyTarget() const;
};

/// Of a network with one output a slide: the loss of that name, or bce for one value and cross-entropy for
/// several.
SlideLossKind ChooseSlideLoss(const Graph& graph, const std::optional<std::string>& loss);

/// Without a name over pixels bce, or cross-entropy for several logits.
OwnedObjective MakeObjective(const Graph& graph, const std::optional<std::string>& loss, int ignore_label);

/// --batchnorm, the mode that ChooseBatchNormalization takes.
CLI::Option* AddBatchNormalizationOption(CLI::App* command, std::optional<std::string>* mode);

/// Sets all BatchNormalizations to `mode`, frozen or image. A network that has some wants to be told which,
/// one that has none wants not: throws Error (kUsage) with what both mean.
void ChooseBatchNormalization(const std::string& model, const std::optional<std::string>& mode, Graph* graph);

}  // namespace swath::tools
