// Operators that see a map as [1, C, H, W] and make another one.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "geometry/window.h"
#include "graph/onnx_dims.h"
#include "graph/onnx_nodes.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

Attributes OnnxNodes::ExplicitPads(const onnx::NodeProto& node, const Shape& src) {
  Attributes attributes = ReadAttributes(node);
  AttributeReader reader(attributes);
  const std::string auto_pad = reader.String("auto_pad", "NOTSET");
  const std::vector<int64_t> output_shape = reader.Ints("output_shape", {});
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  const bool transposed = node.op_type() == "ConvTranspose";
  const std::vector<int64_t> strides = reader.Ints("strides", {1, 1}),
                             dilations = reader.Ints("dilations", {1, 1});
  if (output_shape.empty() && (!same || strides == std::vector<int64_t>{1, 1})) return attributes;
  for (const auto& [name, values] : {std::pair("strides", strides), {"dilations", dilations}}) {
    if (values.size() != 2 || values[0] < 1 || values[1] < 1)
      Fail(ErrorCode::kUnsupported, "{} are {}, expected 2 of at least 1", name, Joined(values));
  }
  if (!output_shape.empty() && output_shape.size() != 2 && output_shape.size() != 4)
    Fail(ErrorCode::kUnsupported, "output_shape is {}, expected rows and columns", Joined(output_shape));
  // A ConvTranspose that is SAME makes the size times the stride of any size.
  const bool of_size = !transposed || !output_shape.empty();
  if (of_size && !size_.declared) {
    Fail(ErrorCode::kUnsupported,
         "{} depends on the size of the image, which the model leaves open; export explicit pads",
         output_shape.empty() ? "auto_pad" : "output_shape");
  }
  if (of_size) FixSize();
  std::vector<int64_t> kernel = reader.Ints("kernel_shape", {});
  if (kernel.empty()) {
    const Constant* weights = ConstantInput(node, 1);
    if (weights && weights->dims.size() == 4) kernel = {weights->dims[2], weights->dims[3]};
  }
  std::vector<int64_t> extra = reader.Ints("output_padding", {0, 0}), pads(4);
  if (kernel.size() != 2 || extra.size() != 2) return attributes;  // its maker says what is wrong
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
  std::vector<int> parameters;
  if (node.op_type() == "BatchNormalization") {
    // Exporters merge initialisers of the same values; running statistics are each layer's own, and no
    // weights.
    for (int i = 1; i < node.input_size(); ++i) {
      const Constant* constant = ConstantInput(node, i);
      if (!constant) continue;
      parameters.push_back(i < 3 ? AddParameter(*constant)
                                 : AddParameter(*constant, name + (i == 3 ? ".mean" : ".variance")));
      if (i >= 3) graph_.parameters[static_cast<size_t>(parameters.back())].trainable = false;
    }
  } else if (!settings) {
    parameters = Parameters(node, 1);
  }
  int dst = AddLayer(name, layer, {tensor}, parameters);
  if (vector) dst = AddLayer(name + ".vector", MakeReshape(4, {1, src.dims[1]}), {dst});
  RenameOutput(node, dst);
  Set(node, 0, vector ? CoreValue(dst, {1, src.dims[1]}) : MapValue(dst));
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
        const double size = scale * static_cast<double>(src.dims[static_cast<size_t>(axes[i])]);
        if (std::abs(size - std::round(size)) > 1e-6) {
          Fail(ErrorCode::kUnsupported,
               "keep_aspect_ratio_policy is '{}', which makes {} of axis {}, no whole number", policy, size,
               axes[i]);
        }
        given[i] = scale;
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

}  // namespace swath
