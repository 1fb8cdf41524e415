// Operators that rearrange a tensor, put several together or take a part.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "geometry/window.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_nodes.h"
#include "layers/core_axes.h"
#include "layers/layers.h"

namespace swath {

/// Reshape, Flatten, Squeeze, Unsqueeze.
void OnnxNodes::Rearrange(const onnx::NodeProto& node) {
  OnnxValue src = Input(node, 0);
  const Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const auto axes = [&] { return node.input_size() > 1 ? Integers(node, 1) : reader.Ints("axes", {}); };
  const std::string& type = node.op_type();
  const std::vector<int64_t> dims =
      type == "Reshape"   ? ReshapedDims(src.dims, Integers(node, 1), reader.Int("allowzero", 0) != 0)
      : type == "Flatten" ? FlattenedDims(src.dims, reader.Int("axis", 1))
      : type == "Squeeze" ? SqueezedDims(src.dims, axes())
                          : UnsqueezedDims(src.dims, axes());
  reader.Finish();
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
  }
  src = ToCore(src);
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
    perm[i] = static_cast<int64_t>(axis);
    value.dims[i] = src.dims[axis];
  }
  if (!src.in_core) {
    value.layout = TransposeLayout(src.layout, perm);
    return Set(node, 0, value);
  }
  ExpectWhole(src);
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
    ExpectComputed(input);
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
        const int zero = AddParameter({.name = name + ".zero", .dims = {1}, .values = {0.0f}}, {}, "zero");
        const int zeros = AddLayer(name + ".zeros", MakeMul(), {one}, {zero});
        input.tensor = AddLayer(name + ".spread", MakeAdd(), {zeros, input.tensor});
      }
      srcs.push_back(input.tensor);
    }
    result.tensor = AddLayer(name, MakeConcat(), srcs);
    result.layout[static_cast<size_t>(axis)] = WholeAxis('c', ShapeAt(result.tensor).channels);
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
  if (Product(sizes) == 0 || std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) != all)
    Fail(ErrorCode::kInput, "splits {} into {}", all, Joined(sizes));
  const bool channels = src.in_core ? axis - static_cast<int64_t>(src.dims.size()) == kChannelAxis
                                    : !src.constant && ChannelAxis(src.layout, ShapeAt(src.tensor),
                                                                   static_cast<int>(axis)) == axis;
  if (!channels || src.pending != OnnxValue::Pending::kNone)
    Fail(ErrorCode::kUnsupported, "axis is {} of {}, expected the channels", axis, Joined(src.dims));
  int64_t begin = 0;
  for (int i = 0; i < node.output_size(); ++i) {
    const Range range{begin, begin + sizes[static_cast<size_t>(i)]};
    begin = range.end;
    if (node.output(i).empty()) continue;
    OnnxValue value = src;
    value.tensor =
        AddLayer(fmt::format("{}.{}", NodeName(file_, index_), i), MakeChannelSlice(range), {src.tensor});
    graph_.tensors[static_cast<size_t>(value.tensor)] = node.output(i);
    value.dims[static_cast<size_t>(axis)] = range.size();
    if (!src.in_core) value.layout[static_cast<size_t>(axis)] = WholeAxis('c', range.size());
    Set(node, i, value);
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
      if (!value.in_core) value.layout[static_cast<size_t>(axis)] = WholeAxis('c', range.size());
      continue;
    }
    const Shape shape = value.in_core ? Shape{} : ShapeAt(value.tensor);
    const bool plain = !value.in_core && value.layout == CanonicalLayout(shape) && axis >= 2;
    if (!plain)
      Fail(ErrorCode::kUnsupported,
           "takes a part of axis {} of {}, expected channels, rows or columns of a map", axis,
           Joined(value.dims));
    // A part that is given by numbers may be another one of an image of another size.
    depends_on_size_ = true;
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
  value.layout[static_cast<size_t>(axis)] = WholeAxis('c', count);
  if (indices->dims.empty()) {
    value.dims.erase(value.dims.begin() + axis);
    value.layout = WithoutAxis(value.layout, axis);
  }
  Set(node, 0, value);
}

}  // namespace swath
