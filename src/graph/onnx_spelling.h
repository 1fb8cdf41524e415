/// Layers that ONNX spells as several nodes, in the operators that every reader of opset 17 knows.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layers/attributes.h"
#include "swath/graph.h"

namespace swath {

/// Appends nodes and constants to a file.
class NodeWriter {
 public:
  virtual ~NodeWriter() = default;
  virtual void Node(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
                    const std::string& output, const Attributes& attributes) = 0;
  /// Each returns the name.
  virtual std::string Floats(const std::string& name, const std::vector<int64_t>& dims,
                             const std::vector<float>& values) = 0;
  virtual std::string Integers(const std::string& name, const std::vector<int64_t>& values) = 0;
};

/// What a node reads and writes, by the names in the file.
struct NodeNames {
  std::string node;
  std::vector<std::string> srcs;
  std::vector<std::string> parameters;
  std::vector<Shape> shapes;  ///< of the sources; only channels are looked at
  std::string dst;
};

/// Writes the node and returns true where its layer has such a spelling.
bool WriteSpelling(const Node& node, const NodeNames& names, NodeWriter* writer);

}  // namespace swath
