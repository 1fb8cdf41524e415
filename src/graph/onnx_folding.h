/// Nodes whose inputs are all constants: computed once, when a model is read. Exporters leave arithmetic on
/// sizes behind, and on weights.
#pragma once

#include <vector>

#include "graph/onnx_messages.h"

namespace swath {

/// Whether FoldNode knows the operator.
bool CanFold(const std::string& type);

/// Whether the operator only moves the values of its first input, or gives them another shape.
bool IsRearrangement(const std::string& type);

/// The value of a node's first output. A null input is left out. `folder` is the model's. Throws Error
/// (kUnsupported, kInput).
Constant FoldNode(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs,
                  const std::string& folder);

/// What a Shape node takes of dimensions, by its attributes.
std::vector<int64_t> ShapePart(const std::vector<int64_t>& dims, AttributeReader* reader);

/// A constant of integers, as sizes are.
Constant IntegerConstant(const std::vector<int64_t>& values);

}  // namespace swath
