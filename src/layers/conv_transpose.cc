/// ConvTranspose (ONNX opset 1, 11, 22): any kernel, strides, dilations, pads, output padding and groups.
#include <cassert>

#include "base/error.h"
#include "layers/conv_layer.h"
#include "layers/operators.h"

namespace swath {

std::shared_ptr<const Layer> MakeConvTranspose(const ConvAttributes& attributes) {
  assert(attributes.rows.kind == Window::Kind::kScatter);
  return MakeConvLayer(attributes);
}

std::shared_ptr<const Layer> ConvTransposeFromOnnx(const Attributes& attributes,
                                                   const ConstantInputs& inputs) {
  if (attributes.count("output_shape")) {
    Fail(ErrorCode::kUnsupported,
         "attribute 'output_shape' fixes the size of the image; export pads and output_padding");
  }
  return MakeConvTranspose(ConvAttributesFromOnnx(attributes, inputs, Window::Kind::kScatter));
}

}  // namespace swath
