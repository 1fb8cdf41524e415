#include "graph/onnx_nodes.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "graph/onnx_folding.h"
#include "layers/core_axes.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {
namespace {

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

int64_t Product(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{1}, std::multiplies<>());
}

int64_t NormalAxis(int64_t axis, size_t rank) {
  const int64_t n = static_cast<int64_t>(rank);
  if (axis < -n || axis >= n) Fail(ErrorCode::kInput, "axis is {}, of {} dimensions", axis, rank);
  return axis < 0 ? axis + n : axis;
}

Layout WithoutAxis(Layout layout, int64_t axis) {
  layout.erase(layout.begin() + axis);
  return layout;
}

std::string Joined(const std::vector<int64_t>& values) {
  return fmt::format("[{}]", fmt::join(values, ", "));
}

/// The fraction of a DepthToSpace, SpaceToDepth or channel permutation that a layout is.
struct Move {
  std::shared_ptr<const Layer> layer;
  std::vector<int64_t> gather;  ///< channels to be picked after it; empty for all in order
};

bool Is(const std::vector<Atom>& axis, const std::vector<Atom>& expected) { return axis == expected; }

/// [{}, {c'}, {h, c1}, {w, c2}]: pixels that are in channels.
std::optional<Move> AsDepthToSpace(const Layout& layout, const Shape& map) {
  if (layout.size() != 4 || layout[2].empty() || layout[3].empty()) return std::nullopt;
  const Atom row = layout[2].back(), column = layout[3].back();
  const int64_t block = row.size;
  if (row.axis != 'c' || column.axis != 'c' || column.size != block) return std::nullopt;
  const auto rest = [](std::vector<Atom> axis) {
    axis.pop_back();
    return axis;
  };
  const auto whole = [](char axis, int64_t size) {
    return size == 1 ? std::vector<Atom>{} : std::vector<Atom>{{axis, size, 1}};
  };
  if (!Is(rest(layout[2]), whole('h', map.height)) || !Is(rest(layout[3]), whole('w', map.width)))
    return std::nullopt;
  const int64_t channels = map.channels / (block * block);
  for (const DepthOrder order : {DepthOrder::kCrd, DepthOrder::kDcr}) {
    const bool crd = order == DepthOrder::kCrd;
    const int64_t stride = crd ? 1 : channels;
    const std::vector<Atom> outer =
        channels == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', channels, crd ? block * block : 1}};
    if (row.stride == block * stride && column.stride == stride && Is(layout[1], outer))
      return Move{MakeDepthToSpace(block, order), {}};
  }
  return std::nullopt;
}

/// The channels that atoms go through, the innermost fastest; index(atom, i) is what the i-th of an atom
/// adds.
template <class F>
std::vector<int64_t> WalkAtoms(const std::vector<Atom>& atoms, F&& index) {
  std::vector<int64_t> walked = {0};
  for (const Atom& atom : atoms) {
    std::vector<int64_t> next;
    for (const int64_t base : walked) {
      for (int64_t i = 0; i < atom.size; ++i) next.push_back(base + index(atom, i));
    }
    walked = std::move(next);
  }
  return walked;
}

/// [{}, atoms of c in any order, {h}, {w}]: channels that are shuffled.
std::optional<Move> AsPermutation(const Layout& layout, const Shape& map) {
  const Layout canonical = CanonicalLayout(map);
  if (layout.size() != 4 || layout[2] != canonical[2] || layout[3] != canonical[3]) return std::nullopt;
  const auto& atoms = layout[1];
  if (!std::all_of(atoms.begin(), atoms.end(), [](const Atom& atom) { return atom.axis == 'c'; }))
    return std::nullopt;
  auto channels = WalkAtoms(atoms, [](const Atom& atom, int64_t i) { return i * atom.stride; });
  if (static_cast<int64_t>(channels.size()) != map.channels) return std::nullopt;
  return Move{nullptr, std::move(channels)};
}

/// [{}, {c, h1, w1} in any order, {h0}, {w0}]: blocks of pixels that go to channels.
std::optional<Move> AsSpaceToDepth(const Layout& layout, const Shape& map) {
  if (layout.size() != 4) return std::nullopt;
  int64_t block = 1;
  for (const Atom& atom : layout[1]) {
    if (atom.axis == 'h') block = atom.size;
  }
  if (block == 1) return std::nullopt;
  const auto outer = [&](char axis, int64_t size) {
    return size == block ? std::vector<Atom>{} : std::vector<Atom>{{axis, size / block, block}};
  };
  if (!Is(layout[2], outer('h', map.height)) || !Is(layout[3], outer('w', map.width))) return std::nullopt;
  for (const Atom& atom : layout[1]) {
    if (atom.axis != 'c' && (atom.size != block || atom.stride != 1)) return std::nullopt;
  }
  auto channels = WalkAtoms(layout[1], [&](const Atom& atom, int64_t i) {
    if (atom.axis == 'c') return i * atom.stride;
    return i * map.channels * (atom.axis == 'h' ? block : 1);
  });
  if (static_cast<int64_t>(channels.size()) != map.channels * block * block) return std::nullopt;
  return Move{MakeSpaceToDepth(block), std::move(channels)};
}

}  // namespace

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
      Set(node, 0, {.constant = std::make_shared<Constant>(ReadConstantNode(node))});
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
      Constant folded = FoldNode(node, inputs);
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
  return AddParameter(constant.AsParameter(), constant.initializer, use);
}

int OnnxNodes::AddParameter(Parameter parameter, bool initializer, const std::string& use) {
  const auto [it, is_new] = parameters_.emplace(std::pair(parameter.name, use + Joined(parameter.dims)), 0);
  if (!is_new) return it->second;
  if (!parameter_names_.insert(parameter.name).second) {
    parameter.name += "." + (use.empty() ? "weights" : use);
    if (!parameter_names_.insert(parameter.name).second)
      Fail(ErrorCode::kUnsupported, "the name '{}' is needed for a constant, but taken", parameter.name);
  }
  if (!initializer) constants_.insert(parameter.name);
  return it->second = graph_.AddParameter(std::move(parameter));
}

std::vector<int> OnnxNodes::Parameters(const onnx::NodeProto& node, int first) {
  std::vector<int> parameters;
  for (int i = first; i < node.input_size(); ++i) {
    if (const Constant* constant = ConstantInput(node, i)) parameters.push_back(AddParameter(*constant));
  }
  return parameters;
}

int OnnxNodes::Canonical(const OnnxValue& value) {
  if (value.constant) Fail(ErrorCode::kUnsupported, "the source is a constant, expected a computed tensor");
  if (value.pending != OnnxValue::Pending::kNone)
    Fail(ErrorCode::kUnsupported, "reads a softmax over pixels, which can only weigh a sum over pixels");
  if (value.dims.size() != 4)
    Fail(ErrorCode::kUnsupported, "the source has {} dimensions, expected 4 (batch, channels, height, width)",
         value.dims.size());
  if (value.in_core) return value.tensor;
  const Shape shape = ShapeAt(value.tensor);
  if (value.layout == CanonicalLayout(shape)) return value.tensor;
  for (const auto& as : {AsDepthToSpace, AsPermutation, AsSpaceToDepth}) {
    const std::optional<Move> move = as(value.layout, shape);
    if (!move) continue;
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
  if (value.in_core) return value;
  if (value.pending != OnnxValue::Pending::kNone)
    Fail(ErrorCode::kUnsupported, "reads a softmax over pixels, which can only weigh a sum over pixels");
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
  if (size_.declared) {
    graph_.fixed_width = size_.width;
    graph_.fixed_height = size_.height;
  }
  if (perm != std::vector<int64_t>{0, 1, 2, 3})
    tensor = AddLayer(name + ".transpose", MakeTranspose(perm), {tensor});
  const Shape& now = ShapeAt(tensor);
  if (value.dims != std::vector<int64_t>{1, now.channels, now.height, now.width})
    tensor = AddLayer(name + ".reshape", MakeReshape(4, value.dims), {tensor});
  return CoreValue(tensor, value.dims);
}

std::vector<int64_t> OnnxNodes::BesideMap(const std::vector<int64_t>& dims, const OnnxValue& map) const {
  const Shape& shape = ShapeAt(map.tensor);
  if (Product(dims) == 1) return {1};
  const size_t missing = map.dims.size() - std::min(dims.size(), map.dims.size());
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 1) continue;
    const int axis = static_cast<int>(missing + i);
    if (dims.size() > map.dims.size() || dims[i] != shape.channels ||
        ChannelAxis(map.layout, shape, axis) != axis) {
      Fail(ErrorCode::kUnsupported,
           "an operand of dimensions {} beside a map of {}: expected one value a channel, or one in all",
           Joined(dims), Joined(map.dims));
    }
  }
  return {shape.channels, 1, 1};
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

void OnnxNodes::Pointwise(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  if (src.constant) Fail(ErrorCode::kUnsupported, "the source is a constant, expected a computed tensor");
  if (src.pending != OnnxValue::Pending::kNone) Canonical(src);  // throws
  for (int i = 1; i < node.input_size(); ++i) ConstantInput(node, i);
  if (node.op_type() == "Dropout" && node.input_size() > 2) {
    const Constant* training = ConstantInput(node, 2);
    if (training && training->size() == 1 && training->Number(0) != 0)
      Fail(ErrorCode::kUnsupported, "is in training mode, expected inference: training switches it on");
  }
  SetPointwise(node, AddLayer(NodeName(file_, index_), Make(node, ReadAttributes(node)), {src.tensor}), src);
}

void OnnxNodes::Binary(const onnx::NodeProto& node) {
  if (node.input_size() != 2) Fail(ErrorCode::kInput, "has {} inputs, expected 2", node.input_size());
  for (const auto& [name, value] : ReadAttributes(node)) {
    if (name != "axis" && name != "broadcast")
      Fail(ErrorCode::kUnsupported, "attribute '{}' is not supported", name);
    Fail(ErrorCode::kUnsupported, "attribute '{}' is of an opset before 7", name);
  }
  const OnnxValue a = Input(node, 0), b = Input(node, 1);
  AddBinary(node, node.op_type(), a, b);
}

void OnnxNodes::Sum(const onnx::NodeProto& node) {
  OnnxValue sum = Input(node, 0);
  if (node.input_size() == 1) return Set(node, 0, sum);
  for (int i = 1; i < node.input_size(); ++i) {
    const OnnxValue next = Input(node, i);
    AddBinary(node, "Add", sum, next);
    sum = *Find(node.output(0));
  }
}

void OnnxNodes::AddBinary(const onnx::NodeProto& node, const std::string& type, const OnnxValue& a,
                          const OnnxValue& b) {
  const std::string name = NodeName(file_, index_);
  const auto make = [&](ConstantFirst first) {
    return type == "Add"   ? MakeAdd(first)
           : type == "Sub" ? MakeSub(first)
           : type == "Mul" ? MakeMul(first)
                           : MakeDiv(first);
  };
  if (a.pending != OnnxValue::Pending::kNone || b.pending != OnnxValue::Pending::kNone) {
    if (type == "Mul" && FinishWeighted(node, a, b)) return;
    Fail(ErrorCode::kUnsupported, "reads a softmax over pixels, which can only weigh a sum over pixels");
  }
  if (a.constant || b.constant) {
    const Constant& constant = a.constant ? *a.constant : *b.constant;
    const OnnxValue& other = a.constant ? b : a;
    Parameter parameter = constant.AsParameter();
    if (!constant.is_float())
      Fail(ErrorCode::kUnsupported, "constant '{}' is of type {}, expected float32", constant.name,
           DataTypeName(constant.type));
    OnnxValue result = other;
    std::string use;
    if (!other.in_core) {
      const std::vector<int64_t> dims = BesideMap(parameter.dims, other);
      const bool plain = other.layout == CanonicalLayout(ShapeAt(other.tensor));
      if (!plain) {
        parameter.dims = dims;
        use = "channels";
      }
    } else if (parameter.dims.size() > other.dims.size()) {
      Fail(ErrorCode::kUnsupported, "constant '{}' has {} dimensions, more than the other operand",
           constant.name, parameter.dims.size());
    }
    const int p = AddParameter(std::move(parameter), constant.initializer, use);
    const int tensor =
        AddLayer(name, make(a.constant ? ConstantFirst::kYes : ConstantFirst::kNo), {other.tensor}, {p});
    if (other.in_core) {
      const Shape& shape = ShapeAt(tensor);
      for (size_t i = 0; i < result.dims.size() && i < 3; ++i)
        result.dims[result.dims.size() - 1 - i] = Dims(shape)[2 - i];
    }
    return SetPointwise(node, tensor, result);
  }
  OnnxValue operands[2] = {a, b};
  OnnxValue result = a.in_core ? b : a;
  for (int i = 0; i < 2; ++i) {
    OnnxValue &operand = operands[i], &other = operands[1 - i];
    if (!operand.in_core || other.in_core) continue;
    // One value a channel beside a map.
    std::vector<int64_t> dims = operand.dims;
    const Shape& shape = ShapeAt(operand.tensor);
    if (dims.size() == 4 && (shape.height == 1 && shape.width == 1))
      dims = {1, shape.channels, 1, 1};  // spread
    const int64_t channels = Product(BesideMap(dims, other));
    if (!(shape == Shape{channels, 1, 1}))
      operand.tensor =
          AddLayer(name + ".reshape", MakeReshape(static_cast<int>(dims.size()), {1, channels, 1, 1}),
                   {operand.tensor});
  }
  if (!a.in_core && !b.in_core) {
    if (a.dims.size() != b.dims.size())
      Fail(ErrorCode::kUnsupported, "operands have dimensions {} and {}", Joined(a.dims), Joined(b.dims));
    for (size_t i = 0; i < a.layout.size(); ++i) {
      if (!a.layout[i].empty() && !b.layout[i].empty() && a.layout[i] != b.layout[i])
        Fail(ErrorCode::kUnsupported, "operands of {} and {} do not fit together", Joined(a.dims),
             Joined(b.dims));
      if (result.layout[i].empty()) result.layout[i] = b.layout[i];
      result.dims[i] = std::max(a.dims[i], b.dims[i]);
    }
  }
  const int tensor = AddLayer(name, make(ConstantFirst::kNo), {operands[0].tensor, operands[1].tensor});
  if (a.in_core && b.in_core) {
    result.dims.assign(std::max(a.dims.size(), b.dims.size()), 1);
    for (size_t i = 0; i < result.dims.size() && i < 3; ++i)
      result.dims[result.dims.size() - 1 - i] = Dims(ShapeAt(tensor))[2 - i];
  }
  SetPointwise(node, tensor, result);
}

/// Mul or MatMul of features with a softmax over pixels.
bool OnnxNodes::FinishWeighted(const onnx::NodeProto& node, const OnnxValue& a, const OnnxValue& b) {
  const bool first = a.pending == OnnxValue::Pending::kWeights;
  const OnnxValue &weights = first ? a : b, &features = first ? b : a;
  if (weights.pending != OnnxValue::Pending::kWeights || features.pending != OnnxValue::Pending::kNone ||
      features.constant || features.in_core)
    return false;
  if (weights.dims.size() != features.dims.size()) return false;
  const Shape scores = ShapeAt(weights.tensor), shape = ShapeAt(features.tensor);
  if (node.op_type() == "Mul") {
    if (scores.channels != 1 || PixelAxes(weights.layout, scores) != PixelAxes(features.layout, shape))
      return false;
    OnnxValue weighted = features;
    weighted.pending = OnnxValue::Pending::kWeighted;
    weighted.tensor = weights.tensor;
    weighted.features = features.tensor;
    Set(node, 0, weighted);
    return true;
  }
  // MatMul: [.., C, pixels] · [.., pixels, K], or the other way round.
  const int rank = static_cast<int>(weights.dims.size()), last = rank - 1, before = rank - 2;
  const int pixels_of_weights = first ? last : before, pixels_of_features = first ? before : last;
  if (rank < 2 || PixelAxes(weights.layout, scores) != std::vector<int>{pixels_of_weights} ||
      PixelAxes(features.layout, shape) != std::vector<int>{pixels_of_features})
    return false;
  const std::string name = NodeName(file_, index_);
  int tensor = AddLayer(name, MakeSoftmaxPool(), {weights.tensor, features.tensor});
  if (first) tensor = AddLayer(name + ".transpose", MakeTranspose({0, 2, 1}), {tensor});
  std::vector<int64_t> dims(static_cast<size_t>(rank), 1);
  dims[static_cast<size_t>(before)] = first ? scores.channels : shape.channels;
  dims[static_cast<size_t>(last)] = first ? shape.channels : scores.channels;
  if (rank != 3) tensor = AddLayer(name + ".reshape", MakeReshape(3, dims), {tensor});
  RenameOutput(node, tensor);
  Set(node, 0, CoreValue(tensor, dims));
  return true;
}

void OnnxNodes::PRelu(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Constant* slope = ConstantInput(node, 1);
  if (!slope || src.constant || src.pending != OnnxValue::Pending::kNone || src.in_core)
    Fail(ErrorCode::kUnsupported, "expected a map and a constant slope");
  Parameter parameter = slope->AsParameter();
  parameter.dims = BesideMap(parameter.dims, src);
  const int p = AddParameter(std::move(parameter), slope->initializer, "slope");
  SetPointwise(node, AddLayer(NodeName(file_, index_), Make(node, ReadAttributes(node)), {src.tensor}, {p}),
               src);
}

Attributes OnnxNodes::ExplicitPads(const onnx::NodeProto& node, const Shape& src) {
  Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const std::string auto_pad = reader.String("auto_pad", "NOTSET");
  const std::vector<int64_t> output_shape = reader.Ints("output_shape", {});
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const bool transposed = node.op_type() == "ConvTranspose";
  const std::vector<int64_t> strides = reader.Ints("strides", {1, 1});
  const bool depends = !output_shape.empty() || (same && strides != std::vector<int64_t>{1, 1});
  if (!depends || strides.size() != 2) return attributes;
  if (!size_.declared) {
    Fail(ErrorCode::kUnsupported,
         "{} depends on the size of the image, which the model leaves open; export explicit pads",
         output_shape.empty() ? "auto_pad" : "output_shape");
  }
  std::vector<int64_t> kernel = reader.Ints("kernel_shape", {});
  if (kernel.empty()) {
    const Constant* weights = ConstantInput(node, 1);
    if (weights && weights->dims.size() == 4) kernel = {weights->dims[2], weights->dims[3]};
  }
  const std::vector<int64_t> dilations = reader.Ints("dilations", {1, 1});
  std::vector<int64_t> extra = reader.Ints("output_padding", {0, 0}), pads(4);
  if (kernel.size() != 2 || dilations.size() != 2 || extra.size() != 2) return attributes;
  const int64_t in[2] = {src.height, src.width};
  for (size_t i = 0; i < 2; ++i) {
    const int64_t extent = dilations[i] * (kernel[i] - 1) + 1;
    int64_t total = 0;
    if (transposed) {
      const int64_t out =
          output_shape.empty() ? in[i] * strides[i] : output_shape[output_shape.size() - 2 + i];
      total = strides[i] * (in[i] - 1) + extra[i] + extent - out;
      if (total < 0) extra[i] -= std::exchange(total, 0);
    } else {
      total = std::max<int64_t>(0, (CeilDiv(in[i], strides[i]) - 1) * strides[i] + extent - in[i]);
    }
    const bool less_first = auto_pad == "SAME_UPPER";
    pads[i] = less_first ? total / 2 : total - total / 2;
    pads[i + 2] = total - pads[i];
  }
  attributes.erase("auto_pad");
  attributes.erase("output_shape");
  attributes["pads"] = pads;
  if (transposed) attributes["output_padding"] = extra;
  return attributes;
}

void OnnxNodes::Map(const onnx::NodeProto& node) {
  OnnxValue src = Input(node, 0);
  const std::string name = NodeName(file_, index_);
  const bool vector = src.in_core && src.dims.size() == 2;  // BatchNorm1d of a head
  if (vector)
    src = CoreValue(AddLayer(name + ".map", MakeReshape(2, {1, src.dims[1], 1, 1}), {src.tensor}),
                    {1, src.dims[1], 1, 1});
  const int tensor = Canonical(src);
  const bool settings = FindOperator(node.op_type())->constants == OperatorEntry::Constants::kSettings;
  for (int i = 1; i < node.input_size(); ++i) ConstantInput(node, i);
  const auto layer = Make(node, ExplicitPads(node, ShapeAt(tensor)));
  const std::vector<int> parameters = settings ? std::vector<int>{} : Parameters(node, 1);
  if (node.op_type() == "BatchNormalization") {
    for (size_t i = 2; i < parameters.size(); ++i)
      graph_.parameters[static_cast<size_t>(parameters[i])].trainable = false;
  }
  int dst = AddLayer(name, layer, {tensor}, parameters);
  if (vector) dst = AddLayer(name + ".vector", MakeReshape(4, {1, src.dims[1]}), {dst});
  RenameOutput(node, dst);
  Set(node, 0, vector ? CoreValue(dst, {1, src.dims[1]}) : MapValue(dst));
}

void OnnxNodes::GroupNormalization(const onnx::NodeProto& node) {
  const int tensor = Canonical(Input(node, 0));
  const auto layer = Make(node, ReadAttributes(node));
  std::vector<int> parameters;
  for (int i = 1; i < node.input_size(); ++i) {
    const Constant* constant = ConstantInput(node, i);
    if (!constant) continue;
    Parameter parameter = constant->AsParameter();
    const int64_t channels = ShapeAt(tensor).channels, size = parameter.size();
    // Before opset 21 there is one value a group.
    if (opset_ < 21 && size > 0 && size < channels && channels % size == 0) {
      std::vector<float> values;
      for (int64_t c = 0; c < channels; ++c)
        values.push_back(parameter.values[static_cast<size_t>(c / (channels / size))]);
      parameter.values = std::move(values);
      parameter.dims = {channels};
    }
    parameters.push_back(AddParameter(std::move(parameter), constant->initializer, "channels"));
  }
  const int dst = AddLayer(NodeName(file_, index_), layer, {tensor}, parameters);
  RenameOutput(node, dst);
  Set(node, 0, MapValue(dst));
}

/// PyTorch writes a GroupNorm as the InstanceNormalization of [1, groups, the rest].
void OnnxNodes::InstanceNormalization(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Shape shape = src.tensor >= 0 ? ShapeAt(src.tensor) : Shape{};
  const bool grouped = src.dims.size() == 3 && src.tensor >= 0 && !src.in_core;
  if (!grouped) return Map(node);
  const int64_t groups = src.dims[1], size = shape.channels / std::max<int64_t>(groups, 1);
  const auto expected = ReshapeLayout(CanonicalLayout(shape), {1, groups, shape.size() / groups});
  if (groups * size != shape.channels || !expected || src.layout != *expected)
    Fail(ErrorCode::kUnsupported, "the source has dimensions {}, expected 4, or groups of whole channels",
         Joined(src.dims));
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const double epsilon = reader.Float("epsilon", static_cast<double>(1e-5f));
  std::vector<int> parameters;
  for (int i = 1; i <= 2; ++i) {
    const Constant* constant = ConstantInput(node, i);
    if (!constant || constant->size() != groups)
      Fail(ErrorCode::kInput, "expected a scale and a bias a group");
    Parameter parameter = constant->AsParameter();
    std::vector<float> values;
    for (int64_t c = 0; c < shape.channels; ++c)
      values.push_back(parameter.values[static_cast<size_t>(c / size)]);
    parameter.values = std::move(values);
    parameter.dims = {shape.channels};
    parameters.push_back(
        AddParameter(std::move(parameter), false, fmt::format("channels{}", shape.channels)));
  }
  const auto layer = MakeGroupNormalization(groups, epsilon);
  SetPointwise(node, AddLayer(NodeName(file_, index_), layer, {src.tensor}, parameters), src);
}

void OnnxNodes::LayerNormalization(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const int64_t axis = NormalAxis(reader.Int("axis", -1), std::max<size_t>(src.dims.size(), 1));
  const double epsilon = reader.Float("epsilon", static_cast<double>(1e-5f));
  reader.Int("stash_type", 1);
  reader.Finish();
  const bool last = axis + 1 == static_cast<int64_t>(src.dims.size());
  if (!src.constant && src.in_core && last) {
    return SetPointwise(node,
                        AddLayer(NodeName(file_, index_), MakeCoreLayerNormalization(epsilon), {src.tensor},
                                 Parameters(node, 1)),
                        src);
  }
  const bool over_channels = !src.constant && !src.in_core && src.pending == OnnxValue::Pending::kNone &&
                             last &&
                             ChannelAxis(src.layout, ShapeAt(src.tensor), static_cast<int>(axis)) == axis;
  if (!over_channels) {
    Fail(ErrorCode::kUnsupported, "axis is {} of {}, expected the channels of a map, as its last axis", axis,
         Joined(src.dims));
  }
  SetPointwise(
      node,
      AddLayer(NodeName(file_, index_), MakeLayerNormalization(epsilon), {src.tensor}, Parameters(node, 1)),
      src);
}

/// Resize, Upsample, and Expand, which spreads one value a channel over a map.
void OnnxNodes::Resize(const onnx::NodeProto& node) {
  OnnxValue src = Input(node, 0);
  Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  std::vector<double> scales = {1, 1, 1, 1};
  const bool upsample = node.op_type() == "Upsample";
  const bool expand = node.op_type() == "Expand";
  if (src.dims.size() != 4)
    Fail(ErrorCode::kUnsupported, "the source has {} dimensions, expected 4", src.dims.size());
  std::vector<int64_t> axes = reader.Ints("axes", {0, 1, 2, 3});
  for (int64_t& axis : axes) axis = NormalAxis(axis, 4);
  std::vector<double> given;
  std::vector<int64_t> sizes;
  if (upsample && node.input_size() < 2) {
    const auto it = attributes.find("scales");
    if (it != attributes.end()) {
      if (const auto* values = std::get_if<std::vector<double>>(&it->second)) given = *values;
    }
  } else if (expand) {
    sizes = Integers(node, 1);
    for (size_t i = 0; i < sizes.size() && sizes.size() == 4; ++i) sizes[i] = std::max(sizes[i], src.dims[i]);
  } else {
    const int at = upsample || opset_ < 11 ? 1 : 2;
    const Constant* constant = ConstantInput(node, at);
    for (int64_t i = 0; constant && i < constant->size(); ++i) given.push_back(constant->Number(i));
    if (given.empty() && node.input_size() > 3) sizes = Integers(node, 3);
  }
  const std::string policy = reader.String("keep_aspect_ratio_policy", "stretch");
  if (!sizes.empty()) {
    if (sizes.size() != axes.size())
      Fail(ErrorCode::kInput, "{} sizes for {} axes", sizes.size(), axes.size());
    for (size_t i = 0; i < sizes.size(); ++i)
      given.push_back(static_cast<double>(sizes[i]) /
                      static_cast<double>(src.dims[static_cast<size_t>(axes[i])]));
    if (policy != "stretch") {
      const auto [least, most] = std::minmax_element(given.begin(), given.end());
      const double scale = policy == "not_larger" ? *least : *most;
      for (size_t i = 0; i < given.size(); ++i) {
        const double dim = static_cast<double>(src.dims[static_cast<size_t>(axes[i])]);
        given[i] = std::floor(scale * dim + 0.5) / dim;
      }
    }
  }
  if (given.size() != axes.size())
    Fail(ErrorCode::kUnsupported, "expected constant scales or sizes, one an axis, found {}", given.size());
  for (size_t i = 0; i < axes.size(); ++i) scales[static_cast<size_t>(axes[i])] = given[i];
  if (scales[0] != 1 || scales[1] != 1)
    Fail(ErrorCode::kUnsupported, "resizes the batch or channels ({} and {} times)", scales[0], scales[1]);
  if (src.in_core) {
    // One value a channel looks the same at any size; operators that meet it beside a map broadcast it.
    if (src.dims[2] != 1 || src.dims[3] != 1)
      Fail(ErrorCode::kUnsupported, "the source is in core and has more than one pixel");
    for (size_t i = 2; i < 4; ++i) src.dims[i] = static_cast<int64_t>(std::llround(scales[i]));
    return Set(node, 0, src);
  }
  if (expand) {
    if (scales[2] != 1 || scales[3] != 1)
      Fail(ErrorCode::kUnsupported, "spreads a map to {}, expected one value a channel", Joined(sizes));
    return Set(node, 0, src);
  }
  attributes.erase("axes");
  attributes.erase("scales");
  if (upsample || opset_ < 11) {
    attributes["coordinate_transformation_mode"] = std::string("asymmetric");
    attributes["nearest_mode"] = std::string("floor");
  }
  if (const auto mode = attributes.find("mode");
      mode != attributes.end() && mode->second == AttributeValue(std::string("bilinear")))
    mode->second = std::string("linear");
  const int tensor = Canonical(src);
  const Parameter parameter{.name = "scales", .dims = {4}, .values = {scales.begin(), scales.end()}};
  const auto layer = FindOperator("Resize")->make(attributes, {nullptr, nullptr, &parameter});
  const int dst = AddLayer(NodeName(file_, index_), layer, {tensor});
  RenameOutput(node, dst);
  Set(node, 0, MapValue(dst));
}

/// Reshape, Flatten, Squeeze, Unsqueeze.
void OnnxNodes::Rearrange(const onnx::NodeProto& node) {
  OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const size_t rank = src.dims.size();
  std::vector<int64_t> dims;
  const auto axes = [&](size_t of) {
    std::vector<int64_t> values = node.input_size() > 1 ? Integers(node, 1) : reader.Ints("axes", {});
    for (int64_t& axis : values)
      axis = NormalAxis(axis, of + (node.op_type() == "Unsqueeze" ? values.size() : 0));
    std::sort(values.begin(), values.end());
    return values;
  };
  if (node.op_type() == "Reshape") {
    dims = Integers(node, 1);
    const bool allow_zero = reader.Int("allowzero", 0) != 0;
    int64_t known = 1, open = -1;
    for (size_t i = 0; i < dims.size(); ++i) {
      if (dims[i] == 0 && !allow_zero && i < rank) dims[i] = src.dims[i];
      if (dims[i] < 0) {
        open = static_cast<int64_t>(i);
      } else {
        known *= dims[i];
      }
    }
    if (open >= 0 && known > 0) dims[static_cast<size_t>(open)] = Product(src.dims) / known;
  } else if (node.op_type() == "Flatten") {
    const int64_t axis = reader.Int("axis", 1), n = static_cast<int64_t>(rank),
                  split = axis < 0 ? axis + n : axis;
    if (split < 0 || split > n) Fail(ErrorCode::kInput, "axis is {}, of {} dimensions", axis, rank);
    dims = {Product({src.dims.begin(), src.dims.begin() + split}),
            Product({src.dims.begin() + split, src.dims.end()})};
  } else if (node.op_type() == "Squeeze") {
    const std::vector<int64_t> named = axes(rank);
    for (size_t i = 0; i < rank; ++i) {
      const bool drop = named.empty()
                            ? src.dims[i] == 1
                            : std::find(named.begin(), named.end(), static_cast<int64_t>(i)) != named.end();
      if (!drop) dims.push_back(src.dims[i]);
    }
  } else {
    dims = src.dims;
    for (const int64_t axis : axes(rank)) dims.insert(dims.begin() + axis, 1);
  }
  if (Product(dims) != Product(src.dims))
    Fail(ErrorCode::kUnsupported, "cannot make {} of {}", Joined(dims), Joined(src.dims));
  if (dims == src.dims) return Set(node, 0, src);
  if (!src.in_core) {
    const auto layout = ReshapeLayout(src.layout, dims);
    // A map of one pixel that loses its rows and columns has no others: the network is for one size of image.
    const Shape& shape = ShapeAt(src.tensor);
    const bool one_pixel = shape.height == 1 && shape.width == 1 && dims.size() < 4;
    if (layout && !one_pixel) {
      OnnxValue value = src;
      value.dims = dims;
      value.layout = *layout;
      return Set(node, 0, value);
    }
    src = ToCore(src);
  }
  const int tensor =
      AddLayer(NodeName(file_, index_), MakeReshape(static_cast<int>(src.dims.size()), dims), {src.tensor});
  RenameOutput(node, tensor);
  Set(node, 0, CoreValue(tensor, dims));
}

void OnnxNodes::Transpose(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  std::vector<int64_t> perm(src.dims.size());
  for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int64_t>(perm.size() - 1 - i);
  perm = reader.Ints("perm", perm, perm.size());
  std::vector<bool> seen(perm.size(), false);
  OnnxValue value = src;
  for (size_t i = 0; i < perm.size(); ++i) {
    const size_t axis = static_cast<size_t>(NormalAxis(perm[i], perm.size()));
    if (seen[axis]) Fail(ErrorCode::kInput, "perm is {}, expected every axis once", Joined(perm));
    seen[axis] = true;
    value.dims[i] = src.dims[axis];
  }
  if (!src.in_core) {
    value.layout = TransposeLayout(src.layout, perm);
    return Set(node, 0, value);
  }
  value.tensor = AddLayer(NodeName(file_, index_), MakeTranspose(perm), {src.tensor});
  RenameOutput(node, value.tensor);
  Set(node, 0, value);
}

void OnnxNodes::Concat(const onnx::NodeProto& node) {
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const int64_t axis = NormalAxis(reader.Int("axis", 1), Input(node, 0).dims.size());
  std::vector<OnnxValue> inputs;
  const OnnxValue* map = nullptr;
  bool channels = true;
  for (int i = 0; i < node.input_size(); ++i) inputs.push_back(Input(node, i));
  for (const OnnxValue& input : inputs) {
    if (input.constant)
      Fail(ErrorCode::kUnsupported, "input '{}' is a constant, expected computed inputs",
           input.constant->name);
    if (input.pending != OnnxValue::Pending::kNone) Canonical(input);  // throws
    if (input.dims.size() != inputs[0].dims.size())
      Fail(ErrorCode::kInput, "inputs have {} and {} dimensions", inputs[0].dims.size(), input.dims.size());
    if (input.in_core) continue;
    if (!map) map = &input;
    const Shape& shape = ShapeAt(input.tensor);
    const int a = static_cast<int>(axis);
    channels = channels && ChannelAxis(input.layout, shape, a) == a &&
               WithoutAxis(input.layout, axis) == WithoutAxis(map->layout, axis);
  }
  const std::string name = NodeName(file_, index_);
  OnnxValue result = map ? *map : inputs[0];
  result.dims[static_cast<size_t>(axis)] = 0;
  for (const OnnxValue& input : inputs)
    result.dims[static_cast<size_t>(axis)] += input.dims[static_cast<size_t>(axis)];
  std::vector<int> srcs;
  if (map && channels) {
    for (OnnxValue& input : inputs) {
      if (input.in_core) {
        // One value a channel, spread over the map: a channel of zeros, and those added.
        const int one = AddLayer(name + ".one", MakeChannelSlice({0, 1}), {map->tensor});
        const int zero = AddParameter({.name = name + ".zero", .dims = {1}, .values = {0.0f}}, false, "zero");
        const int zeros = AddLayer(name + ".zeros", MakeMul(), {one}, {zero});
        input.tensor = AddLayer(name + ".spread", MakeAdd(), {zeros, input.tensor});
      }
      srcs.push_back(input.tensor);
    }
    result.tensor = AddLayer(name, MakeConcat(), srcs);
    result.layout[static_cast<size_t>(axis)] = {{'c', ShapeAt(result.tensor).channels, 1}};
  } else {
    for (OnnxValue& input : inputs) srcs.push_back(ToCore(input).tensor);
    result = CoreValue(AddLayer(name, MakeCoreConcat(axis - static_cast<int64_t>(result.dims.size())), srcs),
                       result.dims);
  }
  RenameOutput(node, result.tensor);
  Set(node, 0, result);
}

void OnnxNodes::Split(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const int64_t axis = NormalAxis(reader.Int("axis", 0), std::max<size_t>(1, src.dims.size()));
  std::vector<int64_t> sizes =
      node.input_size() > 1 && !node.input(1).empty() ? Integers(node, 1) : reader.Ints("split", {});
  reader.Int("num_outputs", 0);
  reader.Finish();
  const int64_t all = src.dims.empty() ? 0 : src.dims[static_cast<size_t>(axis)], parts = node.output_size();
  if (sizes.empty()) {
    const int64_t each = CeilDiv(all, parts);
    for (int64_t i = 0; i < parts; ++i) sizes.push_back(std::min(each, all - i * each));
  }
  if (static_cast<int64_t>(sizes.size()) != parts)
    Fail(ErrorCode::kInput, "has {} sizes for {} outputs", sizes.size(), parts);
  const bool channels = src.in_core ? axis - static_cast<int64_t>(src.dims.size()) == kChannelAxis
                                    : !src.constant && ChannelAxis(src.layout, ShapeAt(src.tensor),
                                                                   static_cast<int>(axis)) == axis;
  if (!channels || src.pending != OnnxValue::Pending::kNone)
    Fail(ErrorCode::kUnsupported, "axis is {} of {}, expected the channels", axis, Joined(src.dims));
  int64_t begin = 0;
  for (int i = 0; i < node.output_size(); ++i) {
    const Range range{begin, begin + sizes[static_cast<size_t>(i)]};
    begin = range.end;
    OnnxValue value = src;
    value.tensor =
        AddLayer(fmt::format("{}.{}", NodeName(file_, index_), i), MakeChannelSlice(range), {src.tensor});
    graph_.tensors[static_cast<size_t>(value.tensor)] = node.output(i);
    value.dims[static_cast<size_t>(axis)] = range.size();
    if (!src.in_core)
      value.layout[static_cast<size_t>(axis)] =
          range.size() == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', range.size(), 1}};
    if (!node.output(i).empty()) Set(node, i, value);
  }
}

void OnnxNodes::Slice(const onnx::NodeProto& node) {
  OnnxValue value = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const bool old = node.input_size() < 2;
  const std::vector<int64_t> starts = old ? reader.Ints("starts", {}) : Integers(node, 1);
  const std::vector<int64_t> ends = old ? reader.Ints("ends", {}) : Integers(node, 2);
  std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  const auto given = [&](int i) { return i < node.input_size() && !node.input(i).empty(); };
  axes = old ? reader.Ints("axes", axes) : given(3) ? Integers(node, 3) : axes;
  if (given(4)) steps = Integers(node, 4);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    Fail(ErrorCode::kInput, "has starts, ends, axes and steps of different lengths");
  PadAttributes crop;
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t axis = NormalAxis(axes[i], value.dims.size()), n = value.dims[static_cast<size_t>(axis)];
    const auto place = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
    const Range range{place(starts[i]), place(ends[i])};
    if (range.size() == n && steps[i] == 1) continue;
    if (steps[i] != 1) Fail(ErrorCode::kUnsupported, "steps are {}, expected 1", Joined(steps));
    if (range.empty()) Fail(ErrorCode::kInput, "leaves nothing of axis {}", axis);
    const bool channels =
        value.in_core ? axis - static_cast<int64_t>(value.dims.size()) == kChannelAxis
                      : ChannelAxis(value.layout, ShapeAt(value.tensor), static_cast<int>(axis)) == axis;
    if (channels) {
      value.tensor = AddLayer(NodeName(file_, index_), MakeChannelSlice(range), {value.tensor});
      value.dims[static_cast<size_t>(axis)] = range.size();
      if (!value.in_core)
        value.layout[static_cast<size_t>(axis)] =
            range.size() == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', range.size(), 1}};
      continue;
    }
    const Shape shape = value.in_core ? Shape{} : ShapeAt(value.tensor);
    const bool plain = !value.in_core && value.layout == CanonicalLayout(shape) && axis >= 2;
    if (!plain)
      Fail(ErrorCode::kUnsupported,
           "takes a part of axis {} of {}, expected channels, rows or columns of a map", axis,
           Joined(value.dims));
    (axis == 2 ? crop.top : crop.left) = -range.begin;
    (axis == 2 ? crop.bottom : crop.right) = range.end - n;
  }
  if (crop.top != 0 || crop.bottom != 0 || crop.left != 0 || crop.right != 0)
    value = MapValue(AddLayer(NodeName(file_, index_) + ".crop", MakePad(crop), {Canonical(value)}));
  if (value.tensor != Input(node, 0).tensor) RenameOutput(node, value.tensor);
  Set(node, 0, value);
}

void OnnxNodes::Gather(const onnx::NodeProto& node) {
  OnnxValue value = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const int64_t axis = NormalAxis(reader.Int("axis", 0), std::max<size_t>(1, value.dims.size()));
  const Constant* indices = ConstantInput(node, 1);
  if (value.constant || value.in_core || !indices || indices->is_float() || indices->dims.size() > 1 ||
      ChannelAxis(value.layout, ShapeAt(value.tensor), static_cast<int>(axis)) != axis)
    Fail(ErrorCode::kUnsupported, "expected constant indices along the channels of a map");
  std::vector<int64_t> channels = indices->integers;
  for (int64_t& c : channels) c = c < 0 ? c + ShapeAt(value.tensor).channels : c;
  value.tensor = AddLayer(NodeName(file_, index_), MakeChannelGather(channels), {value.tensor});
  RenameOutput(node, value.tensor);
  const int64_t count = static_cast<int64_t>(channels.size());
  value.dims[static_cast<size_t>(axis)] = count;
  value.layout[static_cast<size_t>(axis)] =
      count == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', count, 1}};
  if (indices->dims.empty()) {
    value.dims.erase(value.dims.begin() + axis);
    value.layout = WithoutAxis(value.layout, axis);
  }
  Set(node, 0, value);
}

void OnnxNodes::Softmax(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  if (src.constant || src.pending != OnnxValue::Pending::kNone) Canonical(src);  // throws
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const size_t rank = src.dims.size();
  const int64_t axis = NormalAxis(reader.Int("axis", opset_ < 13 ? 1 : -1), rank);
  reader.Finish();
  // Before opset 13 all axes from this one on are one.
  for (size_t i = static_cast<size_t>(axis) + 1; opset_ < 13 && i < rank; ++i) {
    if (src.dims[i] != 1) {
      Fail(ErrorCode::kUnsupported,
           "axis is {} of {}: in opset {} that is a softmax over all axes from there on", axis,
           Joined(src.dims), opset_);
    }
  }
  const auto make = [&](int64_t of) { return FindOperator(node.op_type())->make({{"axis", of}}, {}); };
  const std::string name = NodeName(file_, index_);
  if (src.in_core)
    return SetPointwise(node, AddLayer(name, make(axis - static_cast<int64_t>(rank)), {src.tensor}), src);
  const Shape& shape = ShapeAt(src.tensor);
  if (ChannelAxis(src.layout, shape, static_cast<int>(axis)) == axis)
    return SetPointwise(node, AddLayer(name, make(kChannelAxis), {src.tensor}), src);
  if (node.op_type() == "Softmax" &&
      PixelAxes(src.layout, shape) == std::vector<int>{static_cast<int>(axis)}) {
    OnnxValue weights = src;
    weights.pending = OnnxValue::Pending::kWeights;
    return Set(node, 0, weights);
  }
  Fail(ErrorCode::kUnsupported, "axis is {} of {}, expected the channels, or all pixels on one axis", axis,
       Joined(src.dims));
}

void OnnxNodes::GlobalPool(const onnx::NodeProto& node) {
  const int tensor = Canonical(Input(node, 0));
  const ReduceKind kind = node.op_type() == "GlobalMaxPool" ? ReduceKind::kMax : ReduceKind::kMean;
  const int dst = AddLayer(NodeName(file_, index_),
                           MakeGlobalReduce({.kind = kind, .keep_dims = true, .pool = true}), {tensor});
  RenameOutput(node, dst);
  Set(node, 0, CoreValue(dst, {1, ShapeAt(tensor).channels, 1, 1}));
}

void OnnxNodes::Reduce(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const size_t rank = src.dims.size();
  std::vector<int64_t> axes =
      node.input_size() > 1 && !node.input(1).empty() ? Integers(node, 1) : reader.Ints("axes", {});
  const bool keep = reader.Int("keepdims", 1) != 0;
  reader.Int("noop_with_empty_axes", 0);
  reader.Finish();
  if (axes.empty()) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::vector<int> real;  // axes of more than one
  std::vector<int64_t> dims;
  for (int64_t& axis : axes) axis = NormalAxis(axis, rank);
  for (size_t i = 0; i < rank; ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (reduced && src.dims[i] > 1) real.push_back(static_cast<int>(i));
    if (!reduced || keep) dims.push_back(reduced ? 1 : src.dims[i]);
  }
  const std::string& type = node.op_type();
  const ReduceKind kind = type == "ReduceMean"  ? ReduceKind::kMean
                          : type == "ReduceSum" ? ReduceKind::kSum
                          : type == "ReduceMax" ? ReduceKind::kMax
                                                : ReduceKind::kLogSumExp;
  const std::string name = NodeName(file_, index_);
  if (src.in_core) {
    if (!real.empty())
      Fail(ErrorCode::kUnsupported, "axes are {} of {} values in core, expected a map", Joined(axes),
           Joined(src.dims));
    const int tensor = AddLayer(name, MakeReshape(static_cast<int>(rank), dims), {src.tensor});
    RenameOutput(node, tensor);
    return Set(node, 0, CoreValue(tensor, dims));
  }
  if (src.constant) Fail(ErrorCode::kUnsupported, "the source is a constant, expected a computed tensor");
  const bool weighted = src.pending == OnnxValue::Pending::kWeighted;
  if (src.pending == OnnxValue::Pending::kWeights || (weighted && kind != ReduceKind::kSum))
    Canonical(src);  // throws
  const Shape shape = ShapeAt(weighted ? src.features : src.tensor);
  if (real == PixelAxes(src.layout, shape) && !real.empty()) {
    const bool canonical = src.layout == CanonicalLayout(shape);
    int tensor =
        weighted
            ? AddLayer(name, MakeSoftmaxPool(), {src.tensor, src.features})
            : AddLayer(name, MakeGlobalReduce({.kind = kind, .keep_dims = !canonical || keep, .pool = false}),
                       {src.tensor});
    const int now = weighted ? 3 : canonical && !keep ? 2 : 4;
    if (weighted || !canonical) tensor = AddLayer(name + ".reshape", MakeReshape(now, dims), {tensor});
    RenameOutput(node, tensor);
    return Set(node, 0, CoreValue(tensor, dims));
  }
  if (!weighted && real.size() == 1 && ChannelAxis(src.layout, shape, real[0]) == real[0]) {
    OnnxValue value = src;
    value.tensor = AddLayer(name, MakeChannelReduce(kind), {src.tensor});
    RenameOutput(node, value.tensor);
    value.dims = dims;
    value.layout[static_cast<size_t>(real[0])] = {};
    if (!keep) value.layout = WithoutAxis(value.layout, real[0]);
    return Set(node, 0, value);
  }
  Fail(ErrorCode::kUnsupported, "axes are {} of {}, expected all rows and columns, or the channels",
       Joined(axes), Joined(src.dims));
}

/// Gemm and MatMul: of values in core, or of the channels of every pixel of a map, which is a 1 × 1
/// convolution.
void OnnxNodes::Linear(const onnx::NodeProto& node) {
  OnnxValue src = Input(node, 0);
  const OnnxValue weights = Input(node, 1);
  const bool gemm = node.op_type() == "Gemm";
  if (!gemm && (src.pending != OnnxValue::Pending::kNone || weights.pending != OnnxValue::Pending::kNone) &&
      FinishWeighted(node, src, weights))
    return;
  if (src.constant || !weights.constant)
    Fail(ErrorCode::kUnsupported, "expected a computed A and a constant B");
  if (weights.constant->dims.size() != 2)
    Fail(ErrorCode::kUnsupported, "B has {} dimensions, expected 2", weights.constant->dims.size());
  if (src.pending != OnnxValue::Pending::kNone) Canonical(src);  // throws
  const std::string name = NodeName(file_, index_);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const bool transposed = gemm && reader.Int("transB", 0) != 0;
  const int last = static_cast<int>(src.dims.size()) - 1;
  const Constant& constant = *weights.constant;
  const int64_t k = constant.dims[transposed ? 1 : 0], n = constant.dims[transposed ? 0 : 1];
  const bool pixels = !src.in_core && ChannelAxis(src.layout, ShapeAt(src.tensor), last) == last;
  if (pixels) {
    if (gemm &&
        (reader.Float("alpha", 1) != 1 || reader.Float("beta", 1) != 1 || reader.Int("transA", 0) != 0))
      Fail(ErrorCode::kUnsupported, "alpha, beta or transA are not 1, 1 and 0, beside a map");
    Parameter parameter = constant.AsParameter();
    parameter.dims = {n, k, 1, 1};
    for (int64_t i = 0; i < k && !transposed; ++i) {
      for (int64_t j = 0; j < n; ++j)
        parameter.values[static_cast<size_t>(j * k + i)] = constant.floats[static_cast<size_t>(i * n + j)];
    }
    std::vector<int> parameters = {AddParameter(std::move(parameter), constant.initializer, "conv")};
    if (const Constant* bias = ConstantInput(node, 2)) {
      Parameter b = bias->AsParameter();
      b.dims = {b.size()};
      parameters.push_back(AddParameter(std::move(b), bias->initializer, "bias"));
    }
    OnnxValue value = src;
    value.tensor = AddLayer(name, MakeConv({}), {src.tensor}, parameters);
    RenameOutput(node, value.tensor);
    value.dims[static_cast<size_t>(last)] = n;
    value.layout[static_cast<size_t>(last)] = n == 1 ? std::vector<Atom>{} : std::vector<Atom>{{'c', n, 1}};
    return Set(node, 0, value);
  }
  src = ToCore(src);
  const auto layer = Make(node, attributes);
  const int tensor = AddLayer(name, layer, {src.tensor}, Parameters(node, 1));
  RenameOutput(node, tensor);
  src.dims[static_cast<size_t>(last)] = n;
  Set(node, 0, CoreValue(tensor, src.dims));
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
    const int64_t n = static_cast<int64_t>(src.dims.size());
    const auto place = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, 0, n); };
    const int64_t begin = place(reader.Int("start", 0)), end = place(reader.Int("end", n));
    constant = IntegerConstant({src.dims.begin() + begin, src.dims.begin() + std::max(begin, end)});
  }
  constant.name = node.output(0);
  Set(node, 0, {.constant = std::make_shared<Constant>(std::move(constant))});
}

}  // namespace swath
