/// Makers of layers by their ONNX type. How a node of a file comes to one is OnnxNodes::Handlers' matter.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "layers/layer.h"

namespace swath {

/// What an ONNX node has beside its attributes: which inputs are constants (initialisers), and their values.
/// An input that is computed is null.
using ConstantInputs = std::vector<const Parameter*>;

struct OperatorEntry {
  std::string_view type;
  /// Which inputs become parameters of the node: all constant ones, or none (they are settings, read by
  /// `make`).
  enum class Constants { kParameters, kSettings } constants;
  /// Throws Error (kUnsupported) for attributes that cannot be honoured exactly.
  std::shared_ptr<const Layer> (*make)(const Attributes& attributes, const ConstantInputs& inputs);
};

const std::vector<OperatorEntry>& Operators();

/// Null if there is none.
const OperatorEntry* FindOperator(std::string_view type);

}  // namespace swath
