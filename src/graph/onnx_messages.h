/// Reading ONNX's protobuf messages: files, tensors, attributes. Included by the onnx_*.cc only.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "layers/attributes.h"
#include "swath/graph.h"

namespace swath {

/// Opset versions of the default domain whose operators mean what Swath's layers do.
constexpr int64_t kOldestOpset = 7;
constexpr int64_t kNewestOpset = 25;

/// Parses a file. Throws Error (kInput) for anything that is not a model, without the path in front.
onnx::ModelProto ReadModel(const std::string& path);

/// An initialiser or the value of a Constant node. Integers and booleans (settings only) are converted.
struct Constant {
  int type = onnx::TensorProto::UNDEFINED;
  Parameter values;
};

/// Checks dimensions against data. float32, int64 and bool are understood; int64 only where float32 holds it
/// exactly.
Constant ReadTensor(const onnx::TensorProto& tensor);
/// The value of a node of type Constant, named after its output.
Constant ReadConstantNode(const onnx::NodeProto& node);

Attributes ReadAttributes(const onnx::NodeProto& node);

/// "float32" for 1, and so on.
std::string DataTypeName(int type);

/// The node's name, or one made of its type and its index in the file.
std::string NodeName(const onnx::GraphProto& graph, int index);
/// "[Type name]", as messages begin.
std::string NodeLabel(const onnx::GraphProto& graph, int index);

/// The nodes that `output` depends on, sources first and otherwise as in the file. Throws Error (kInput) for
/// tensors that are written twice or read and never written, and for cycles.
std::vector<int> OrderNodes(const onnx::GraphProto& graph, const std::string& output);

}  // namespace swath
