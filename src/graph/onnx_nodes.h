/// From the nodes of an ONNX graph to those of ours, one after the other.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/onnx_layout.h"
#include "graph/onnx_messages.h"

namespace swath {

/// What a name in the file stands for: a constant, or a tensor of the graph and how ONNX sees it.
struct OnnxValue {
  std::shared_ptr<const Constant> constant;
  int tensor = -1;
  bool in_core = false;
  std::vector<int64_t> dims;  ///< ONNX's, at the nominal size
  Layout layout;              ///< of a map

  /// A softmax of a map, the scores, over all pixels, which only makes sense as weights of a sum; and
  /// features times such weights, a sum to be.
  enum class Pending { kNone, kWeights, kWeighted } pending = Pending::kNone;
  int features = -1;  ///< of kWeighted; `tensor` are the scores
};

/// The size of image at which sizes in the file are worked out.
struct NominalSize {
  int64_t width = 0;
  int64_t height = 0;
  bool declared = false;  ///< by the file; else one that nothing depends on
};

class OnnxNodes {
 public:
  OnnxNodes(const onnx::GraphProto& file, int64_t opset, const std::string& folder, const NominalSize& size,
            Graph* graph);

  void AddInput(const std::string& name, int64_t channels);
  /// Throws Error with the node's label in front.
  void Add(int index);
  /// Makes what `name` stands for the graph's output.
  void Finish(const std::string& name);
  /// Whether something depends on the size of the image but for fixed ratios: at another size than the file
  /// declares the network may be another one.
  bool depends_on_size() const { return depends_on_size_; }
  /// Names of parameters that are constants of the file's arithmetic, not weights.
  const std::set<std::string>& constants() const { return constants_; }

 private:
  using Handler = void (OnnxNodes::*)(const onnx::NodeProto&);
  static const std::map<std::string, Handler>& Handlers();

  // One for each kind of operator; see Handlers.
  void Alias(const onnx::NodeProto& node);
  void Pointwise(const onnx::NodeProto& node);
  void Binary(const onnx::NodeProto& node);
  void Sum(const onnx::NodeProto& node);
  void PRelu(const onnx::NodeProto& node);
  void Map(const onnx::NodeProto& node);
  void GroupNormalization(const onnx::NodeProto& node);
  void InstanceNormalization(const onnx::NodeProto& node);
  void LayerNormalization(const onnx::NodeProto& node);
  void Resize(const onnx::NodeProto& node);
  void Rearrange(const onnx::NodeProto& node);
  void Transpose(const onnx::NodeProto& node);
  void Concat(const onnx::NodeProto& node);
  void Split(const onnx::NodeProto& node);
  void Slice(const onnx::NodeProto& node);
  void Gather(const onnx::NodeProto& node);
  void Softmax(const onnx::NodeProto& node);
  void GlobalPool(const onnx::NodeProto& node);
  void Reduce(const onnx::NodeProto& node);
  void Linear(const onnx::NodeProto& node);
  void ShapeOf(const onnx::NodeProto& node);
  void Unknown(const onnx::NodeProto& node);

  // Values.
  const OnnxValue* Find(const std::string& name);
  const OnnxValue& Input(const onnx::NodeProto& node, int i);
  /// An input that must be constant; null where it is left out.
  const Constant* ConstantInput(const onnx::NodeProto& node, int i);
  std::vector<int64_t> Integers(const onnx::NodeProto& node, int i);
  const Shape& ShapeAt(int tensor) const { return shapes_[static_cast<size_t>(tensor)]; }
  void Set(const onnx::NodeProto& node, int output, OnnxValue value);
  OnnxValue MapValue(int tensor) const;
  OnnxValue CoreValue(int tensor, std::vector<int64_t> dims) const;

  // Nodes.
  int AddLayer(const std::string& name, std::shared_ptr<const Layer> layer, std::vector<int> srcs,
               std::vector<int> parameters = {});
  std::shared_ptr<const Layer> Make(const onnx::NodeProto& node, const Attributes& attributes);
  int AddParameter(const Constant& constant, const std::string& use = "");
  /// `parameter` is made of the constant; with another `use` it is another one.
  int AddParameter(Parameter parameter, const Constant& constant, const std::string& use);
  std::vector<int> Parameters(const onnx::NodeProto& node, int first);

  /// Throws for a constant, and for a softmax over pixels, which only a weighted sum over pixels may read.
  static void ExpectComputed(const OnnxValue& value);
  /// Throws for one value a channel that ONNX has spread over a map: it has only one pixel here.
  void ExpectWhole(const OnnxValue& value) const;
  /// The map as [1, C, H, W], by way of a node that moves pixels or channels where that is needed.
  int Canonical(const OnnxValue& value);
  /// The value in core, collected where it is a map.
  OnnxValue ToCore(const OnnxValue& value);
  /// A constant, or a tensor in core, that is broadcast beside a map: its dimensions as the map's.
  std::vector<int64_t> BesideMap(const std::vector<int64_t>& dims, const OnnxValue& map) const;
  void SetPointwise(const onnx::NodeProto& node, int tensor, const OnnxValue& like);
  void AddBinary(const onnx::NodeProto& node, const std::string& type, const OnnxValue& a,
                 const OnnxValue& b);
  bool FinishWeighted(const onnx::NodeProto& node, const OnnxValue& a, const OnnxValue& b);
  /// The network takes images of the declared size only, if the file declares one.
  void FixSize();
  /// Explicit pads in place of auto_pad and output_shape. Where these depend on the size, it is the declared
  /// one from now on.
  Attributes ExplicitPads(const onnx::NodeProto& node, const Shape& src);
  void RenameOutput(const onnx::NodeProto& node, int tensor);

  const onnx::GraphProto& file_;
  int64_t opset_;
  std::string folder_;
  NominalSize size_;
  Graph& graph_;
  int index_ = 0;
  std::vector<Shape> shapes_;  ///< by tensor, at the nominal size
  std::vector<bool> in_core_;  ///< by tensor
  std::unordered_map<std::string, const onnx::TensorProto*> initializers_;
  std::unordered_map<std::string, OnnxValue> values_;
  std::map<std::pair<std::string, std::string>, int> parameters_;
  std::set<std::string> parameter_names_;
  std::set<std::string> node_names_;
  std::set<std::string> tensor_names_;
  std::set<std::string> constants_;
  bool depends_on_size_ = false;
};

}  // namespace swath
