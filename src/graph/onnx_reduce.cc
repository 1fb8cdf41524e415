// Softmax, global pooling and Reduce operators, and the pooling by attention that they make up together.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_nodes.h"
#include "layers/core_axes.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

void OnnxNodes::Softmax(const onnx::NodeProto& node) {
  const OnnxValue src = Input(node, 0);
  ExpectComputed(src);
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
  ExpectWhole(src);
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
  const bool nothing = reader.Int("noop_with_empty_axes", 0) != 0;
  reader.Finish();
  if (axes.empty()) {
    if (nothing) return Set(node, 0, src);
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::vector<int> real;  // axes of more than one
  std::vector<int64_t> dims;
  Layout layout;  // of a map whose channels are reduced
  for (int64_t& axis : axes) axis = NormalAxis(axis, rank);
  for (size_t i = 0; i < rank; ++i) {
    const bool reduced = std::find(axes.begin(), axes.end(), static_cast<int64_t>(i)) != axes.end();
    if (reduced && src.dims[i] > 1) real.push_back(static_cast<int>(i));
    if (reduced && !keep) continue;
    dims.push_back(reduced ? 1 : src.dims[i]);
    if (!src.in_core) layout.push_back(reduced ? std::vector<Atom>{} : src.layout[i]);
  }
  const std::string& type = node.op_type();
  const ReduceKind kind = type == "ReduceMean"  ? ReduceKind::kMean
                          : type == "ReduceSum" ? ReduceKind::kSum
                          : type == "ReduceMax" ? ReduceKind::kMax
                                                : ReduceKind::kLogSumExp;
  const std::string name = NodeName(file_, index_);
  if (src.in_core) {
    ExpectWhole(src);
    if (!real.empty())
      Fail(ErrorCode::kUnsupported, "axes are {} of {} values in core, expected a map", Joined(axes),
           Joined(src.dims));
    const int tensor = AddLayer(name, MakeReshape(static_cast<int>(rank), dims), {src.tensor});
    RenameOutput(node, tensor);
    return Set(node, 0, CoreValue(tensor, dims));
  }
  const bool weighted = src.pending == OnnxValue::Pending::kWeighted;
  if (!weighted || kind != ReduceKind::kSum) ExpectComputed(src);
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
    value.layout = layout;
    return Set(node, 0, value);
  }
  Fail(ErrorCode::kUnsupported, "axes are {} of {}, expected all rows and columns, or the channels",
       Joined(axes), Joined(src.dims));
}

}  // namespace swath
