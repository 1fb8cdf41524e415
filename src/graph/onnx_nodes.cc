#include "graph/onnx_nodes.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_folding.h"
#include "graph/onnx_moves.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

OnnxNodes::OnnxNodes(const onnx::GraphProto& file, int64_t opset, const std::string& folder,
                     const NominalSize& size, Graph* graph)
    : file_(file), opset_(opset), folder_(folder), size_(size), graph_(*graph) {
  for (const onnx::TensorProto& initializer : file_.initializer())
    initializers_[initializer.name()] = &initializer;
}

void OnnxNodes::AddInput(const std::string& name, int64_t channels) {
  graph_.input_channels = channels;
  graph_.input = graph_.AddTensor(name);
  tensor_names_.insert(name);
  shapes_.push_back({channels, size_.height, size_.width});
  in_core_.push_back(false);
  values_[name] = MapValue(graph_.input);
}

const std::map<std::string, OnnxNodes::Handler>& OnnxNodes::Handlers() {
  using N = OnnxNodes;
  static const std::map<std::string, Handler> handlers = {
      {"Abs", &N::Pointwise},
      {"Add", &N::Binary},
      {"AveragePool", &N::Map},
      {"BatchNormalization", &N::Map},
      {"Cast", &N::Alias},
      {"Clip", &N::Pointwise},
      {"Concat", &N::Concat},
      {"Conv", &N::Map},
      {"ConvTranspose", &N::Map},
      {"DepthToSpace", &N::Map},
      {"Div", &N::Binary},
      {"Dropout", &N::Pointwise},
      {"Elu", &N::Pointwise},
      {"Erf", &N::Pointwise},
      {"Exp", &N::Pointwise},
      {"Expand", &N::Resize},
      {"Flatten", &N::Rearrange},
      {"Gather", &N::Gather},
      {"Gelu", &N::Pointwise},
      {"Gemm", &N::Linear},
      {"GlobalAveragePool", &N::GlobalPool},
      {"GlobalMaxPool", &N::GlobalPool},
      {"GroupNormalization", &N::GroupNormalization},
      {"HardSigmoid", &N::Pointwise},
      {"HardSwish", &N::Pointwise},
      {"Identity", &N::Alias},
      {"InstanceNormalization", &N::InstanceNormalization},
      {"LRN", &N::Map},
      {"LayerNormalization", &N::LayerNormalization},
      {"LeakyRelu", &N::Pointwise},
      {"Log", &N::Pointwise},
      {"LogSoftmax", &N::Softmax},
      {"MatMul", &N::Linear},
      {"MaxPool", &N::Map},
      {"Mish", &N::Pointwise},
      {"Mul", &N::Binary},
      {"Neg", &N::Pointwise},
      {"PRelu", &N::PRelu},
      {"Pad", &N::Map},
      {"Pow", &N::Pointwise},
      {"Reciprocal", &N::Pointwise},
      {"ReduceLogSumExp", &N::Reduce},
      {"ReduceMax", &N::Reduce},
      {"ReduceMean", &N::Reduce},
      {"ReduceSum", &N::Reduce},
      {"Relu", &N::Pointwise},
      {"Reshape", &N::Rearrange},
      {"Resize", &N::Resize},
      {"Selu", &N::Pointwise},
      {"Shape", &N::ShapeOf},
      {"Sigmoid", &N::Pointwise},
      {"Size", &N::ShapeOf},
      {"Slice", &N::Slice},
      {"Softmax", &N::Softmax},
      {"Softplus", &N::Pointwise},
      {"SpaceToDepth", &N::Map},
      {"Split", &N::Split},
      {"Sqrt", &N::Pointwise},
      {"Squeeze", &N::Rearrange},
      {"Sub", &N::Binary},
      {"Sum", &N::Sum},
      {"Swish", &N::Pointwise},
      {"Tanh", &N::Pointwise},
      {"Transpose", &N::Transpose},
      {"Unsqueeze", &N::Rearrange},
      {"Upsample", &N::Resize},
  };
  return handlers;
}

void OnnxNodes::Add(int index) {
  index_ = index;
  const onnx::NodeProto& node = file_.node(index);
  try {
    if (!IsDefaultDomain(node.domain())) {
      Fail(ErrorCode::kUnsupported, "is of the domain '{}'; only ONNX's own operators are supported",
           node.domain());
    }
    if (node.output_size() == 0 || node.output(0).empty())
      Fail(ErrorCode::kUnsupported, "leaves out its first output");
    if (node.op_type() == "Constant") {
      Set(node, 0, {.constant = std::make_shared<Constant>(ReadConstantNode(node, folder_))});
      return;
    }
    bool constant = node.input_size() > 0;
    std::vector<const Constant*> inputs;
    for (int i = 0; i < node.input_size(); ++i) {
      const OnnxValue* value = Find(node.input(i));
      constant = constant && (!value || value->constant);
      inputs.push_back(value ? value->constant.get() : nullptr);
    }
    if (constant && CanFold(node.op_type())) {
      Constant folded = FoldNode(node, inputs, folder_);
      for (const Constant* input : inputs) folded.of_size = folded.of_size || (input && input->of_size);
      // Weights stay weights when they are rearranged.
      folded.initializer = inputs[0] && inputs[0]->initializer && IsRearrangement(node.op_type());
      folded.name = folded.initializer ? inputs[0]->name : node.output(0);
      Set(node, 0, {.constant = std::make_shared<Constant>(std::move(folded))});
      return;
    }
    const auto handler = Handlers().find(node.op_type());
    (this->*(handler != Handlers().end() ? handler->second : &OnnxNodes::Unknown))(node);
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{} {}", NodeLabel(file_, index), e.what()));
  }
}

void OnnxNodes::Finish(const std::string& name) {
  OnnxValue value = *Find(name);
  const bool image = value.tensor == graph_.input && value.layout == CanonicalLayout(ShapeAt(value.tensor));
  if (value.constant || value.pending != OnnxValue::Pending::kNone || image)
    Fail(ErrorCode::kUnsupported, "the output '{}' is not computed from the image", name);
  if (!value.in_core) {
    const Shape& shape = ShapeAt(value.tensor);
    const bool plain = value.layout == CanonicalLayout(shape) || value.layout == ChannelsLastLayout(shape);
    if (!plain || value.layout.size() != 4) {
      try {
        value = MapValue(Canonical(value));
      } catch (const Error&) {
        value = ToCore(value);
      }
    }
  }
  graph_.output = value.tensor;
  graph_.tensors[static_cast<size_t>(value.tensor)] = name;
}

// Values.

const OnnxValue* OnnxNodes::Find(const std::string& name) {
  if (name.empty()) return nullptr;
  const auto it = values_.find(name);
  if (it != values_.end()) return &it->second;
  const auto initializer = initializers_.find(name);
  if (initializer == initializers_.end()) {
    Fail(ErrorCode::kUnsupported, "reads '{}', an additional output of a node, which is not supported", name);
  }
  auto constant = std::make_shared<Constant>(ReadTensor(*initializer->second, folder_));
  constant->initializer = true;
  return &(values_[name] = {.constant = std::move(constant)});
}

const OnnxValue& OnnxNodes::Input(const onnx::NodeProto& node, int i) {
  const OnnxValue* value = i < node.input_size() ? Find(node.input(i)) : nullptr;
  if (!value) Fail(ErrorCode::kInput, "has no input {}", i);
  return *value;
}

const Constant* OnnxNodes::ConstantInput(const onnx::NodeProto& node, int i) {
  const OnnxValue* value = i < node.input_size() ? Find(node.input(i)) : nullptr;
  if (!value) return nullptr;
  if (!value->constant)
    Fail(ErrorCode::kUnsupported, "input {} ('{}') is computed, expected a constant", i, node.input(i));
  return value->constant.get();
}

std::vector<int64_t> OnnxNodes::Integers(const onnx::NodeProto& node, int i) {
  const Constant* constant = ConstantInput(node, i);
  if (!constant || constant->is_float()) Fail(ErrorCode::kInput, "input {} is not integers", i);
  return constant->integers;
}

void OnnxNodes::Set(const onnx::NodeProto& node, int output, OnnxValue value) {
  values_[node.output(output)] = std::move(value);
}

OnnxValue OnnxNodes::MapValue(int tensor) const {
  const Shape& shape = ShapeAt(tensor);
  return {.constant = nullptr,
          .tensor = tensor,
          .in_core = in_core_[static_cast<size_t>(tensor)],
          .dims = {1, shape.channels, shape.height, shape.width},
          .layout = CanonicalLayout(shape)};
}

OnnxValue OnnxNodes::CoreValue(int tensor, std::vector<int64_t> dims) const {
  return {.constant = nullptr, .tensor = tensor, .in_core = true, .dims = std::move(dims), .layout = {}};
}

// Nodes.

int OnnxNodes::AddLayer(const std::string& name, std::shared_ptr<const Layer> layer, std::vector<int> srcs,
                        std::vector<int> parameters) {
  std::string unique = name;
  for (int i = 2; !node_names_.insert(unique).second; ++i) unique = fmt::format("{}_{}", name, i);
  std::vector<Shape> shapes;
  ParameterList list;
  bool in_core = true;
  for (const int src : srcs) {
    shapes.push_back(ShapeAt(src));
    in_core = in_core && in_core_[static_cast<size_t>(src)];
  }
  for (const int p : parameters) list.push_back(&graph_.parameters[static_cast<size_t>(p)]);
  const LayerKind kind = layer->kind();
  shapes_.push_back(layer->DstShape(shapes, list));
  const Shape& dst = shapes_.back();
  if (dst.channels <= 0 || dst.height <= 0 || dst.width <= 0)
    Fail(ErrorCode::kInput, "leaves nothing of the image of {} × {} px", size_.width, size_.height);
  in_core_.push_back(in_core || kind == LayerKind::kReduction || kind == LayerKind::kCore);
  return graph_.AddNode(unique, std::move(layer), std::move(srcs), std::move(parameters));
}

void OnnxNodes::RenameOutput(const onnx::NodeProto& node, int tensor) {
  graph_.tensors[static_cast<size_t>(tensor)] = node.output(0);
}

std::shared_ptr<const Layer> OnnxNodes::Make(const onnx::NodeProto& node, const Attributes& attributes) {
  const OperatorEntry* entry = FindOperator(node.op_type());
  std::vector<Parameter> parameters;
  parameters.reserve(static_cast<size_t>(node.input_size()));
  ConstantInputs inputs;
  for (int i = 0; i < node.input_size(); ++i) {
    const OnnxValue* value = Find(node.input(i));
    const bool constant = value && value->constant;
    depends_on_size_ = depends_on_size_ || (constant && value->constant->of_size);
    // Large ones are weights, which a maker knows by their dimensions.
    if (constant) {
      parameters.push_back(value->constant->size() > 64
                               ? Parameter{value->constant->name, value->constant->dims, {}}
                               : value->constant->AsParameter());
    }
    inputs.push_back(constant ? &parameters.back() : nullptr);
  }
  return entry->make(attributes, inputs);
}

int OnnxNodes::AddParameter(const Constant& constant, const std::string& use) {
  if (!constant.is_float()) {
    Fail(ErrorCode::kUnsupported, "constant '{}' is of type {}, expected float32", constant.name,
         DataTypeName(constant.type));
  }
  return AddParameter(constant.AsParameter(), constant, use);
}

int OnnxNodes::AddParameter(Parameter parameter, const Constant& constant, const std::string& use) {
  depends_on_size_ = depends_on_size_ || constant.of_size;
  const auto [it, is_new] = parameters_.emplace(std::pair(parameter.name, use + Joined(parameter.dims)), 0);
  if (!is_new) return it->second;
  if (!parameter_names_.insert(parameter.name).second) {
    parameter.name += "." + (use.empty() ? "weights" : use);
    if (!parameter_names_.insert(parameter.name).second)
      Fail(ErrorCode::kUnsupported, "the name '{}' is needed for a constant, but taken", parameter.name);
  }
  if (!constant.initializer) constants_.insert(parameter.name);
  return it->second = graph_.AddParameter(std::move(parameter));
}

std::vector<int> OnnxNodes::Parameters(const onnx::NodeProto& node, int first) {
  std::vector<int> parameters;
  for (int i = first; i < node.input_size(); ++i) {
    if (const Constant* constant = ConstantInput(node, i)) parameters.push_back(AddParameter(*constant));
  }
  return parameters;
}

void OnnxNodes::ExpectComputed(const OnnxValue& value) {
  if (value.constant) Fail(ErrorCode::kUnsupported, "the source is a constant, expected a computed tensor");
  if (value.pending != OnnxValue::Pending::kNone)
    Fail(ErrorCode::kUnsupported, "reads a softmax over pixels, which can only weigh a sum over pixels");
}

void OnnxNodes::ExpectWhole(const OnnxValue& value) const {
  if (!value.in_core || Product(value.dims) == ShapeAt(value.tensor).size()) return;
  Fail(ErrorCode::kUnsupported,
       "reads one value a channel, enlarged to {}: expected that beside a map, or to be joined with one",
       Joined(value.dims));
}

int OnnxNodes::Canonical(const OnnxValue& value) {
  ExpectComputed(value);
  ExpectWhole(value);
  if (value.dims.size() != 4)
    Fail(ErrorCode::kUnsupported, "the source has {} dimensions, expected 4 (batch, channels, height, width)",
         value.dims.size());
  if (value.in_core) return value.tensor;
  const Shape shape = ShapeAt(value.tensor);
  if (value.layout == CanonicalLayout(shape)) return value.tensor;
  if (const std::optional<Move> move = FindMove(value.layout, shape)) {
    const std::string name = NodeName(file_, index_);
    int tensor = value.tensor;
    if (move->layer) tensor = AddLayer(name + ".pixels", move->layer, {tensor});
    std::vector<int64_t> in_order(move->gather.size());
    std::iota(in_order.begin(), in_order.end(), 0);
    if (move->gather != in_order)
      tensor = AddLayer(name + ".channels", MakeChannelGather(move->gather), {tensor});
    return tensor;
  }
  Fail(ErrorCode::kUnsupported,
       "the source's axes {} are not batch, channels, height, width, nor a rearrangement that is known",
       Joined(value.dims));
}

OnnxValue OnnxNodes::ToCore(const OnnxValue& value) {
  ExpectComputed(value);
  ExpectWhole(value);
  if (value.in_core) return value;
  const std::string name = NodeName(file_, index_);
  const Shape shape = ShapeAt(value.tensor);
  // The order of whole axes; those of one pixel or channel go anywhere.
  std::vector<Atom> atoms;
  for (const auto& axis : value.layout) atoms.insert(atoms.end(), axis.begin(), axis.end());
  const Layout joined = *ReshapeLayout({atoms}, {shape.size()});
  std::vector<int64_t> perm = {0};
  for (const Atom& atom : joined[0]) {
    const int64_t axis = atom.axis == 'c' ? 1 : atom.axis == 'h' ? 2 : 3;
    if (atom.stride != 1 || std::find(perm.begin(), perm.end(), axis) != perm.end())
      Fail(ErrorCode::kUnsupported, "rearranges parts of channels, rows or columns for {}",
           Joined(value.dims));
    perm.push_back(axis);
  }
  for (int64_t axis = 1; axis < 4; ++axis) {
    if (std::find(perm.begin(), perm.end(), axis) == perm.end()) perm.push_back(axis);
  }
  int tensor = AddLayer(name + ".collect", MakeCollect(), {value.tensor});
  FixSize();
  if (perm != std::vector<int64_t>{0, 1, 2, 3})
    tensor = AddLayer(name + ".transpose", MakeTranspose(perm), {tensor});
  const Shape& now = ShapeAt(tensor);
  if (value.dims != std::vector<int64_t>{1, now.channels, now.height, now.width})
    tensor = AddLayer(name + ".reshape", MakeReshape(4, value.dims), {tensor});
  return CoreValue(tensor, value.dims);
}

void OnnxNodes::FixSize() {
  if (!size_.declared) return;
  graph_.fixed_width = size_.width;
  graph_.fixed_height = size_.height;
}

void OnnxNodes::SetPointwise(const onnx::NodeProto& node, int tensor, const OnnxValue& like) {
  RenameOutput(node, tensor);
  OnnxValue value = like;
  value.tensor = tensor;
  value.in_core = in_core_[static_cast<size_t>(tensor)];
  Set(node, 0, std::move(value));
}

// Operators.

void OnnxNodes::Unknown(const onnx::NodeProto&) {
  std::vector<std::string_view> types = {"Constant"};
  for (const auto& [type, handler] : Handlers()) types.push_back(type);
  std::sort(types.begin(), types.end());
  Fail(ErrorCode::kUnsupported, "is not supported; supported operators are {}", fmt::join(types, ", "));
}

void OnnxNodes::Alias(const onnx::NodeProto& node) {
  if (node.op_type() == "Cast") {
    const Attributes attributes = ReadAttributes(node);
    AttributeReader reader(attributes);
    const int64_t to = reader.Int("to", 0);
    if (to != onnx::TensorProto::FLOAT)
      Fail(ErrorCode::kUnsupported, "casts to {}, expected float32", DataTypeName(static_cast<int>(to)));
  }
  const OnnxValue value = Input(node, 0);
  Set(node, 0, value);
}

void OnnxNodes::ShapeOf(const onnx::NodeProto& node) {
  const OnnxValue& src = Input(node, 0);
  Constant constant = IntegerConstant(src.dims);
  if (node.op_type() == "Size") {
    constant.dims = {};
    constant.integers = {Product(src.dims)};
  } else {
    const Attributes attributes = ReadAttributes(node);
    AttributeReader reader(attributes);
    constant = IntegerConstant(ShapePart(src.dims, &reader));
  }
  constant.name = node.output(0);
  constant.of_size = true;
  Set(node, 0, {.constant = std::make_shared<Constant>(std::move(constant))});
}

}  // namespace swath
