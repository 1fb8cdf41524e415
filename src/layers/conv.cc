/// Conv (ONNX opset 1, 11, 22): any kernel, strides, dilations, pads and groups.
#include <cassert>

#include "layers/conv_layer.h"
#include "layers/operators.h"

namespace swath {

std::shared_ptr<const Layer> MakeConv(const ConvAttributes& attributes) {
  assert(attributes.rows.kind == Window::Kind::kGather);
  return MakeConvLayer(attributes);
}

std::shared_ptr<const Layer> ConvFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return MakeConv(ConvAttributesFromOnnx(attributes, inputs, Window::Kind::kGather));
}

}  // namespace swath
