/// From an ONNX model to a validated graph.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "graph/metadata.h"
#include "graph/onnx_messages.h"
#include "layers/registry.h"
#include "swath/model.h"

namespace swath {
namespace {

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

/// What a name in the file stands for: a tensor of the graph, or a constant.
struct Value {
  int tensor = -1;
  std::shared_ptr<const Constant> constant;
};

/// How a constant is used; each use of one initialiser becomes one parameter.
enum class Use { kWeights, kChannel, kNegated, kReciprocal };

const char* Suffix(Use use) {
  return use == Use::kNegated      ? ".negated"
         : use == Use::kReciprocal ? ".reciprocal"
         : use == Use::kChannel    ? ".channel"
                                   : "";
}

class Importer {
 public:
  explicit Importer(const onnx::ModelProto& model) : model_(model), file_(model.graph()) {}

  Graph Run() {
    CheckVersions();
    graph_.name = file_.name();
    ReadInput();
    const onnx::ValueInfoProto& output = Output();
    for (const int index : OrderNodes(file_, output.name())) {
      try {
        ReadNode(index);
      } catch (const Error& e) {
        throw Error(e.code(), fmt::format("{} {}", NodeLabel(file_, index), e.what()));
      }
    }
    FinishOutput(output);
    ReadMetadata();
    return std::move(graph_);
  }

 private:
  void CheckVersions() const {
    bool found = false;
    for (const onnx::OperatorSetIdProto& opset : model_.opset_import()) {
      if (!IsDefaultDomain(opset.domain())) continue;  // refused where a node uses it
      found = true;
      if (opset.version() >= kOldestOpset && opset.version() <= kNewestOpset) continue;
      Fail(ErrorCode::kUnsupported, "the model uses opset {}, expected {} to {}", opset.version(),
           kOldestOpset, kNewestOpset);
    }
    if (!found) Fail(ErrorCode::kInput, "the model does not say which opset it uses");
    if (file_.sparse_initializer_size() > 0)
      Fail(ErrorCode::kUnsupported, "sparse initialisers are not supported");
  }

  /// Rank 4, float32. Returns the number of channels, or 0 where it is left open.
  int64_t CheckImage(const onnx::ValueInfoProto& value, const char* what) const {
    const onnx::TypeProto::Tensor& tensor = value.type().tensor_type();
    if (tensor.elem_type() != onnx::TensorProto::FLOAT) {
      Fail(ErrorCode::kUnsupported, "{} '{}' is of type {}, expected float32", what, value.name(),
           DataTypeName(tensor.elem_type()));
    }
    if (!tensor.has_shape()) return 0;
    const auto& dims = tensor.shape().dim();
    if (dims.size() != 4) {
      Fail(ErrorCode::kUnsupported, "{} '{}' has {} dimensions, expected 4 (batch, channels, height, width)",
           what, value.name(), dims.size());
    }
    if (dims[0].dim_value() > 1) {  // some exporters write -1 for a batch that is left open
      Fail(ErrorCode::kUnsupported, "{} '{}' has a batch of {}, expected 1 or one left open", what,
           value.name(), dims[0].dim_value());
    }
    return dims[1].has_dim_value() ? dims[1].dim_value() : 0;
  }

  void ReadInput() {
    for (const onnx::TensorProto& initializer : file_.initializer())
      initializers_[initializer.name()] = &initializer;
    std::vector<const onnx::ValueInfoProto*> inputs;
    for (const onnx::ValueInfoProto& input : file_.input()) {
      if (initializers_.count(input.name()) == 0) inputs.push_back(&input);
    }
    if (inputs.size() != 1)
      Fail(ErrorCode::kUnsupported, "the model has {} inputs, expected one image", inputs.size());
    const onnx::ValueInfoProto& image = *inputs[0];
    graph_.input_channels = CheckImage(image, "the input");
    if (graph_.input_channels < 1 || graph_.input_channels > 65536) {
      Fail(ErrorCode::kUnsupported, "the input '{}' has {} channels, expected a fixed number from 1 to 65536",
           image.name(), graph_.input_channels);
    }
    graph_.input = graph_.AddTensor(image.name());
    values_[image.name()] = {.tensor = graph_.input, .constant = nullptr};
  }

  const onnx::ValueInfoProto& Output() const {
    if (file_.output_size() == 1) return file_.output(0);
    Fail(ErrorCode::kUnsupported, "the model has {} outputs, expected one map", file_.output_size());
  }

  /// Null for an optional input that is left out.
  const Value* Find(const std::string& name) {
    if (name.empty()) return nullptr;
    const auto it = values_.find(name);
    if (it != values_.end()) return &it->second;
    const auto initializer = initializers_.find(name);
    if (initializer == initializers_.end()) {
      Fail(ErrorCode::kUnsupported, "reads '{}', an additional output of a node, which is not supported",
           name);
    }
    const auto constant = std::make_shared<Constant>(ReadTensor(*initializer->second));
    return &(values_[name] = {.tensor = -1, .constant = constant});
  }

  void ReadNode(int index) {
    const onnx::NodeProto& node = file_.node(index);
    if (!IsDefaultDomain(node.domain())) {
      Fail(ErrorCode::kUnsupported, "is of the domain '{}'; only ONNX's own operators are supported",
           node.domain());
    }
    if (node.output_size() == 0 || node.output(0).empty()) {
      Fail(ErrorCode::kUnsupported, "leaves out its first output");
    }
    const std::string& type = node.op_type();
    if (type == "Constant") {
      values_[node.output(0)] = {.tensor = -1,
                                 .constant = std::make_shared<Constant>(ReadConstantNode(node))};
    } else if (type == "Identity" || type == "Dropout") {
      PassThrough(node);
    } else {
      ReadOperator(index);
    }
  }

  /// Identity, and Dropout as it is at inference: another name for the source.
  void PassThrough(const onnx::NodeProto& node) {
    const Value* src = node.input_size() > 0 ? Find(node.input(0)) : nullptr;
    if (src == nullptr) Fail(ErrorCode::kInput, "has no input");
    const Value value = *src;
    if (node.op_type() == "Dropout" && node.input_size() > 2) {
      const Value* training = Find(node.input(2));
      const bool off = training == nullptr ||
                       (training->constant && training->constant->values.values == std::vector{0.0f});
      if (!off) Fail(ErrorCode::kUnsupported, "is in training mode, expected inference");
    }
    values_[node.output(0)] = value;
  }

  void ReadOperator(int index) {
    const onnx::NodeProto& node = file_.node(index);
    // Sub and Div by a constant are Add and Mul of another one.
    const bool is_sub = node.op_type() == "Sub", is_div = node.op_type() == "Div";
    const std::string type = is_sub ? "Add" : is_div ? "Mul" : node.op_type();
    const OperatorEntry* entry = FindOperator(type);
    if (entry == nullptr) FailUnknown();
    if ((is_sub || is_div) &&
        !(node.input_size() == 2 && IsTensor(node.input(0)) && !IsTensor(node.input(1)))) {
      Fail(ErrorCode::kUnsupported, "expected a computed input and a constant, in this order");
    }
    const Use use = is_sub                           ? Use::kNegated
                    : is_div                         ? Use::kReciprocal
                    : type == "Add" || type == "Mul" ? Use::kChannel
                                                     : Use::kWeights;

    std::vector<int> srcs, parameters;
    std::vector<std::shared_ptr<const Constant>> constants;
    for (const std::string& input : node.input()) {
      const Value* value = Find(input);
      constants.push_back(value != nullptr ? value->constant : nullptr);
      if (value == nullptr) continue;
      if (value->tensor >= 0) {
        srcs.push_back(value->tensor);
      } else if (entry->constants == OperatorEntry::Constants::kParameters) {
        parameters.push_back(AddParameter(*value->constant, use));
      }
    }
    ConstantInputs inputs;
    for (const auto& constant : constants) inputs.push_back(constant ? &constant->values : nullptr);
    const int dst =
        graph_.AddNode(UniqueNodeName(index), entry->make(ReadAttributes(node), inputs), srcs, parameters);
    graph_.tensors.back() = node.output(0);
    values_[node.output(0)] = {.tensor = dst, .constant = nullptr};
  }

  [[noreturn]] static void FailUnknown() {
    std::vector<std::string_view> types = {"Constant", "Div", "Dropout", "Identity", "Sub"};
    for (const OperatorEntry& entry : Operators()) types.push_back(entry.type);
    std::sort(types.begin(), types.end());
    Fail(ErrorCode::kUnsupported, "is not supported; supported operators are {}", fmt::join(types, ", "));
  }

  bool IsTensor(const std::string& name) {
    const Value* value = Find(name);
    return value != nullptr && value->tensor >= 0;
  }

  std::string UniqueNodeName(int index) {
    const std::string name = NodeName(file_, index);
    std::string unique = name;
    for (int i = 2; !node_names_.insert(unique).second; ++i) unique = fmt::format("{}_{}", name, i);
    return unique;
  }

  /// The parameter that a constant is in this use; the same one for every node that uses it so.
  int AddParameter(const Constant& constant, Use use) {
    const auto [it, is_new] = parameters_.emplace(std::pair(constant.values.name, use), 0);
    if (!is_new) return it->second;
    Parameter parameter = constant.values;
    if (constant.type != onnx::TensorProto::FLOAT) {
      Fail(ErrorCode::kUnsupported, "constant '{}' is of type {}, expected float32", parameter.name,
           DataTypeName(constant.type));
    }
    if (use != Use::kWeights) MakeChannelConstant(use, &parameter);
    if (!parameter_names_.insert(parameter.name).second) {
      parameter.name += Suffix(use);
      if (!parameter_names_.insert(parameter.name).second) {
        Fail(ErrorCode::kUnsupported, "the name '{}' is needed for a constant, but taken", parameter.name);
      }
    }
    return it->second = graph_.AddParameter(std::move(parameter));
  }

  static void MakeChannelConstant(Use use, Parameter* parameter) {
    std::vector<int64_t>& dims = parameter->dims;
    const size_t rank = dims.size();
    const bool by_channel = (rank == 4 && dims[0] == 1 && dims[2] == 1 && dims[3] == 1) ||
                            (rank == 3 && dims[1] == 1 && dims[2] == 1);
    const bool one_in_all = rank <= 4 && parameter->size() == 1;
    if (parameter->size() == 0 || !(by_channel || one_in_all)) {
      Fail(ErrorCode::kUnsupported,
           "constant '{}' has dimensions [{}], expected [1, C, 1, 1], [C, 1, 1] or one value",
           parameter->name, fmt::join(dims, ", "));
    }
    dims = {parameter->size()};
    parameter->trainable = false;
    for (float& value : parameter->values) {
      if (use == Use::kNegated) value = -value;
      if (use == Use::kReciprocal) value = ExactReciprocal(value);
    }
  }

  static float ExactReciprocal(float value) {
    int exponent = 0;
    const float reciprocal = 1 / value;
    if (std::abs(std::frexp(value, &exponent)) != 0.5f || !std::isnormal(value) ||
        !std::isnormal(reciprocal)) {
      Fail(ErrorCode::kUnsupported,
           "divides by {}, whose reciprocal float32 cannot hold exactly; multiply instead", value);
    }
    return reciprocal;
  }

  void FinishOutput(const onnx::ValueInfoProto& output) {
    const Value& value = values_.at(output.name());
    if (value.tensor < 0 || value.tensor == graph_.input) {
      Fail(ErrorCode::kUnsupported, "the output '{}' is not computed from the image", output.name());
    }
    graph_.output = value.tensor;
    graph_.tensors[static_cast<size_t>(value.tensor)] = output.name();
    const int64_t declared = CheckImage(output, "the output"), found = OutputChannels(graph_);
    if (declared != 0 && declared != found) {
      Fail(ErrorCode::kInput, "the output '{}' is declared with {} channels, but has {}", output.name(),
           declared, found);
    }
  }

  void ReadMetadata() {
    for (const onnx::StringStringEntryProto& entry : model_.metadata_props()) {
      if (!graph_.metadata.emplace(entry.key(), entry.value()).second) {
        Fail(ErrorCode::kInput, "metadata {} is given twice", entry.key());
      }
    }
    CheckMetadata(graph_);
    const auto frozen = graph_.metadata.find(kFrozenKey);
    if (frozen == graph_.metadata.end()) return;
    for (const std::string& name : ParseNames(frozen->second)) {
      const auto it = std::find_if(graph_.parameters.begin(), graph_.parameters.end(),
                                   [&](const Parameter& parameter) { return parameter.name == name; });
      if (it == graph_.parameters.end()) {
        Fail(ErrorCode::kInput, "metadata {} names '{}', which is not a parameter", kFrozenKey, name);
      }
      it->trainable = false;
    }
    graph_.metadata.erase(frozen);
  }

  const onnx::ModelProto& model_;
  const onnx::GraphProto& file_;
  Graph graph_;
  std::unordered_map<std::string, const onnx::TensorProto*> initializers_;
  std::unordered_map<std::string, Value> values_;
  std::map<std::pair<std::string, Use>, int> parameters_;
  std::set<std::string> parameter_names_;
  std::set<std::string> node_names_;
};

}  // namespace

Graph ImportOnnx(const std::string& path) {
  try {
    return Importer(ReadModel(path)).Run();
  } catch (const Error& e) {
    std::string message = fmt::format("{}: {}", path, e.what());
    // Names in the file may hold anything; a message is one line.
    std::replace_if(
        message.begin(), message.end(), [](unsigned char c) { return c < 32 || c == 127; }, '?');
    throw Error(e.code(), message);
  }
}

}  // namespace swath
