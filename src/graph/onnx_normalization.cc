// GroupNormalization, InstanceNormalization and LayerNormalization.
#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_nodes.h"
#include "layers/layers.h"

namespace swath {
namespace {

/// One value a group, as one value a channel.
Parameter ByChannel(Parameter groups, int64_t channels) {
  const int64_t each = channels / groups.size();
  std::vector<float> values;
  for (int64_t c = 0; c < channels; ++c) values.push_back(groups.values[static_cast<size_t>(c / each)]);
  groups.values = std::move(values);
  groups.dims = {channels};
  return groups;
}

}  // namespace

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
    if (opset_ < 21 && size > 0 && size < channels && channels % size == 0)
      parameter = ByChannel(std::move(parameter), channels);
    parameters.push_back(AddParameter(std::move(parameter), *constant, "channels"));
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
  ExpectComputed(src);
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
    parameters.push_back(AddParameter(ByChannel(constant->AsParameter(), shape.channels), *constant,
                                      fmt::format("channels{}", shape.channels)));
    constants_.insert(graph_.parameters[static_cast<size_t>(parameters.back())].name);
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
    ExpectWhole(src);
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

}  // namespace swath
