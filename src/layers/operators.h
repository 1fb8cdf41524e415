/// Makers from ONNX attributes, one in each operator's file; listed in registry.cc.
#pragma once

#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

std::shared_ptr<const Layer> AddFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> AveragePoolFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ConcatFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ConvFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ConvTransposeFromOnnx(const Attributes& attributes,
                                                   const ConstantInputs& inputs);
std::shared_ptr<const Layer> LeakyReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MaxPoolFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ResizeFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SigmoidFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);

}  // namespace swath
