/// A validated network: tensors, parameters and layers in topological order.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace swath {

class Layer;

/// A named array of weights, as ONNX lays it out (Conv: [dst, src / groups, row, column]).
struct Parameter {
  std::string name;
  std::vector<int64_t> dims;
  std::vector<float> values;
  bool trainable = true;  ///< false: a constant of the graph (normalisation), or frozen

  int64_t size() const { return static_cast<int64_t>(values.size()); }
};

/// One application of a layer. Tensors and parameters are indices into the graph.
struct Node {
  std::string name;
  std::shared_ptr<const Layer> layer;
  std::vector<int> srcs;
  std::vector<int> parameters;  ///< in the layer's own order (Conv: weights, then bias if any)
  int dst = 0;
};

/// A network with one image in, and one map or the values of the whole image out. Sizes are left open: shapes
/// follow from the image (see InferShapes).
struct Graph {
  std::string name;
  std::vector<std::string> tensors;  ///< names
  std::vector<Parameter> parameters;
  std::vector<Node> nodes;  ///< in topological order
  int input = 0;
  int output = 0;
  int64_t input_channels = 3;
  /// The only size of image that the network takes, where something depends on it; else 0.
  int64_t fixed_width = 0, fixed_height = 0;
  std::map<std::string, std::string> metadata;  ///< of the ONNX model; see docs/model-format.md

  int AddTensor(std::string tensor_name);
  int AddParameter(Parameter parameter);
  /// Appends a node that writes a new tensor named `node_name` + ":0", and returns that tensor.
  int AddNode(std::string node_name, std::shared_ptr<const Layer> layer, std::vector<int> srcs,
              std::vector<int> parameters = {});

  int64_t trainable_size() const;   ///< number of trainable values
  int64_t parameter_bytes() const;  ///< of all values
};

/// Shape of a tensor of one image.
struct Shape {
  int64_t channels = 0;
  int64_t height = 0;
  int64_t width = 0;

  int64_t size() const { return channels * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// The shape of every tensor for an image of width × height. Checks every node: counts and sizes of sources,
/// dimensions of parameters, an output that the image is too small for. Throws Error (kUnsupported or kInput)
/// whose message begins with "[OpType node-name]".
std::vector<Shape> InferShapes(const Graph& graph, int64_t width, int64_t height);

/// Checks that the output has the size of an image of width × height, as a loss over pixels needs it. Throws
/// as InferShapes does, and Error (kUnsupported) that names the output.
void CheckOutputSize(const Graph& graph, int64_t width, int64_t height);

/// By tensor, whether it is in core: what a global reduction gives, and what follows from that alone. All
/// others are maps, which are streamed.
std::vector<bool> InCore(const Graph& graph);

/// The number by which width and height must be divisible for every downsampling to come out even: the
/// largest downsample of any tensor of the network (64 for `unet-4492`).
int64_t TotalStride(const Graph& graph);

}  // namespace swath
