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

/// Whether operators of this domain are ONNX's own.
inline bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

/// Parses a file. Throws Error (kInput) for anything that is not a model, without the path in front.
onnx::ModelProto ReadModel(const std::string& path);

/// An initialiser, the value of a Constant node, or what followed from such.
struct Constant {
  std::string name;
  std::vector<int64_t> dims;
  std::vector<float> floats;            ///< of float32
  std::vector<int64_t> integers;        ///< of int64, int32 and bool
  int type = onnx::TensorProto::FLOAT;  ///< FLOAT, INT64 (int32 as well) or BOOL
  bool initializer = false;
  bool of_size = false;  ///< computed from dimensions of tensors, which may be those of the image

  bool is_float() const { return type == onnx::TensorProto::FLOAT; }
  int64_t size() const { return static_cast<int64_t>(is_float() ? floats.size() : integers.size()); }
  double Number(int64_t i) const {
    return is_float() ? static_cast<double>(floats[static_cast<size_t>(i)])
                      : static_cast<double>(integers[static_cast<size_t>(i)]);
  }
  /// Throws Error (kUnsupported) for integers that float32 does not hold exactly.
  Parameter AsParameter() const;
};

/// Checks dimensions against data. float32, int64, int32, bool and single float64 values are understood.
/// `folder` is where files with external data are.
Constant ReadTensor(const onnx::TensorProto& tensor, const std::string& folder);
/// The value of a node of type Constant, named after its output.
Constant ReadConstantNode(const onnx::NodeProto& node, const std::string& folder);
/// The value of an attribute of a ConstantOfShape: one number.
Constant ReadValueAttribute(const onnx::NodeProto& node, const std::string& folder);

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
