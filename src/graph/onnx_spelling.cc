#include "graph/onnx_spelling.h"

#include <cmath>
#include <map>

#include "layers/layer.h"

namespace swath {
namespace {

using Ints = std::vector<int64_t>;

/// One node's spelling: names of intermediate tensors and constants begin with the node's.
class Speller {
 public:
  Speller(const Node& node, const NodeNames& names, NodeWriter* writer)
      : node_(node), n_(names), writer_(writer) {}

  /// Over channels: ONNX normalises last axes. The one in the middle has the name, which it is read back by.
  void LayerNormalization() {
    std::vector<std::string> inputs = {Step("last", "Transpose", {n_.srcs[0]}, {{"perm", Ints{0, 2, 3, 1}}})};
    inputs.insert(inputs.end(), n_.parameters.begin(), n_.parameters.end());
    // A graph that was read from such a file has the name of the tensor between for the node's own.
    const std::string between = Name("normal") + ":0", normal = between == n_.dst ? n_.node + ":0" : between;
    writer_->Node(n_.node, "LayerNormalization", inputs, normal, node_.layer->attributes());
    writer_->Node(Name("first"), "Transpose", {normal}, n_.dst, {{"perm", Ints{0, 3, 1, 2}}});
  }

  /// As PyTorch writes it. The operator of opset 21 is too new for most readers.
  void GroupNormalization() {
    const Attributes attributes = node_.layer->attributes();
    const int64_t groups = std::get<int64_t>(attributes.at("num_groups"));
    const size_t count = static_cast<size_t>(groups);
    const std::string shape = Step("shape", "Shape", {n_.srcs[0]}, {});
    const std::string grouped =
        Step("grouped", "Reshape", {n_.srcs[0], Integers("groups", {0, groups, -1})}, {});
    const std::string normal = Step("normal", "InstanceNormalization",
                                    {grouped, Floats("ones", {groups}, std::vector<float>(count, 1.0f)),
                                     Floats("zeros", {groups}, std::vector<float>(count, 0.0f))},
                                    {{"epsilon", attributes.at("epsilon")}});
    const std::string map = Step("map", "Reshape", {normal, shape}, {});
    const Ints axes = {1, 2};
    const std::string scale = Step("scale", "Unsqueeze", {n_.parameters[0], Integers("axes", axes)}, {});
    const std::string bias = Step("bias", "Unsqueeze", {n_.parameters[1], Name("axes")}, {});
    Last("Add", {Step("scaled", "Mul", {map, scale}, {}), bias}, {});
  }

  /// Scores and features to [N, features, scores].
  void SoftmaxPool() {
    const std::string scores =
        Step("scores", "Reshape", {n_.srcs[0], Integers("scores_shape", {0, n_.shapes[0].channels, -1})}, {});
    const std::string weights = Step("weights", "Softmax", {scores}, {{"axis", int64_t{2}}});
    const std::string across = Step("across", "Transpose", {weights}, {{"perm", Ints{0, 2, 1}}});
    const std::string features = Step(
        "features", "Reshape", {n_.srcs[1], Integers("features_shape", {0, n_.shapes[1].channels, -1})}, {});
    Last("MatMul", {features, across}, {});
  }

  void Gelu() {
    const std::string& x = n_.srcs[0];
    const bool is_tanh = std::get<std::string>(node_.layer->attributes().at("approximate")) == "tanh";
    const std::string one = Scalar("one", 1.0), half = Scalar("half", 0.5);
    std::string inner;
    if (is_tanh) {
      const std::string cube = Step("cube", "Pow", {x, Scalar("three", 3.0)}, {});
      const std::string part = Step("part", "Mul", {cube, Scalar("coefficient", 0.044715)}, {});
      const std::string sum = Step("sum", "Add", {x, part}, {});
      inner = Step("tanh", "Tanh", {Step("argument", "Mul", {sum, Scalar("scale", std::sqrt(2 / M_PI))}, {})},
                   {});
    } else {
      inner = Step("erf", "Erf", {Step("argument", "Div", {x, Scalar("root2", std::sqrt(2.0))}, {})}, {});
    }
    const std::string more = Step("more", "Add", {inner, one}, {});
    Last("Mul", {Step("twice", "Mul", {x, more}, {}), half}, {});
  }

  void Mish() {
    const std::string soft = Step("softplus", "Softplus", {n_.srcs[0]}, {});
    Last("Mul", {n_.srcs[0], Step("tanh", "Tanh", {soft}, {})}, {});
  }

  void Swish() {
    const double alpha = std::get<double>(node_.layer->attributes().at("alpha"));
    std::string x = n_.srcs[0];
    if (alpha != 1) x = Step("scaled", "Mul", {x, Scalar("alpha", alpha)}, {});
    Last("Mul", {n_.srcs[0], Step("sigmoid", "Sigmoid", {x}, {})}, {});
  }

 private:
  std::string Name(const std::string& what) const { return n_.node + "." + what; }
  std::string Step(const std::string& what, const std::string& type, const std::vector<std::string>& inputs,
                   const Attributes& attributes) {
    writer_->Node(Name(what), type, inputs, Name(what) + ":0", attributes);
    return Name(what) + ":0";
  }
  void Last(const std::string& type, const std::vector<std::string>& inputs, const Attributes& attributes) {
    writer_->Node(n_.node, type, inputs, n_.dst, attributes);
  }
  std::string Scalar(const std::string& what, double value) {
    return writer_->Floats(Name(what), {}, {static_cast<float>(value)});
  }
  std::string Floats(const std::string& what, const Ints& dims, const std::vector<float>& values) {
    return writer_->Floats(Name(what), dims, values);
  }
  std::string Integers(const std::string& what, const Ints& values) {
    return writer_->Integers(Name(what), values);
  }

  const Node& node_;
  const NodeNames& n_;
  NodeWriter* writer_;
};

}  // namespace

bool WriteSpelling(const Node& node, const NodeNames& names, NodeWriter* writer) {
  static const std::map<std::string_view, void (Speller::*)()> spellings = {
      {"Gelu", &Speller::Gelu},
      {"GroupNormalization", &Speller::GroupNormalization},
      {"LayerNormalization", &Speller::LayerNormalization},
      {"Mish", &Speller::Mish},
      {"SoftmaxPool", &Speller::SoftmaxPool},
      {"Swish", &Speller::Swish}};
  const auto it = spellings.find(node.layer->type());
  if (it == spellings.end()) return false;
  // In core it is ONNX's own.
  if (node.layer->kind() == LayerKind::kCore) return false;
  Speller speller(node, names, writer);
  (speller.*it->second)();
  return true;
}

}  // namespace swath
