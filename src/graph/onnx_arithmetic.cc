// Element-wise operators, and products with matrices.
#include <algorithm>

#include "base/error.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_nodes.h"
#include "layers/core_axes.h"
#include "layers/layers.h"

namespace swath {

void OnnxNodes::Pointwise(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  ExpectComputed(src);
  for (int i = 1; i < node.input_size(); ++i) ConstantInput(node, i);
  if (node.op_type() == "Dropout" && node.input_size() > 2) {
    const Constant* training = ConstantInput(node, 2);
    if (training && training->size() == 1 && training->Number(0) != 0)
      Fail(ErrorCode::kUnsupported, "is in training mode, expected inference: training switches it on");
  }
  SetPointwise(node, AddLayer(NodeName(file_, index_), Make(node, ReadAttributes(node)), {src.tensor}), src);
}

void OnnxNodes::PRelu(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  const Constant* slope = ConstantInput(node, 1);
  if (!slope || src.constant || src.pending != OnnxValue::Pending::kNone || src.in_core)
    Fail(ErrorCode::kUnsupported, "expected a map and a constant slope");
  Parameter parameter = slope->AsParameter();
  parameter.dims = BesideMap(parameter.dims, src);
  const int p = AddParameter(std::move(parameter), *slope, "slope");
  SetPointwise(node, AddLayer(NodeName(file_, index_), Make(node, ReadAttributes(node)), {src.tensor}, {p}),
               src);
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
    ExpectComputed(a.pending != OnnxValue::Pending::kNone ? a : b);
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
    const int p = AddParameter(std::move(parameter), constant, use);
    const int tensor =
        AddLayer(name, make(a.constant ? ConstantFirst::kYes : ConstantFirst::kNo), {other.tensor}, {p});
    if (other.in_core) result.dims = BroadcastDims(other.dims, constant.dims);
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
  if (a.in_core && b.in_core) result.dims = BroadcastDims(a.dims, b.dims);
  SetPointwise(node, tensor, result);
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
  if (!weights.constant->is_float())
    Fail(ErrorCode::kUnsupported, "B is of type {}, expected float32", DataTypeName(weights.constant->type));
  if (src.dims.empty()) Fail(ErrorCode::kUnsupported, "A has no dimensions, expected one at least");
  if (weights.constant->dims.size() != 2)
    Fail(ErrorCode::kUnsupported, "B has {} dimensions, expected 2", weights.constant->dims.size());
  ExpectComputed(src);
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
    std::vector<int> parameters = {AddParameter(std::move(parameter), constant, "conv")};
    if (const Constant* bias = ConstantInput(node, 2)) {
      Parameter b = bias->AsParameter();
      b.dims = {b.size()};
      parameters.push_back(AddParameter(std::move(b), *bias, "bias"));
    }
    OnnxValue value = src;
    value.tensor = AddLayer(name, MakeConv({}), {src.tensor}, parameters);
    RenameOutput(node, value.tensor);
    value.dims[static_cast<size_t>(last)] = n;
    value.layout[static_cast<size_t>(last)] = WholeAxis('c', n);
    return Set(node, 0, value);
  }
  src = ToCore(src);
  const auto layer = Make(node, attributes);
  const int tensor = AddLayer(name, layer, {src.tensor}, Parameters(node, 1));
  RenameOutput(node, tensor);
  src.dims[static_cast<size_t>(last)] = n;
  Set(node, 0, CoreValue(tensor, src.dims));
}

}  // namespace swath
