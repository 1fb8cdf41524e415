/// Makers from ONNX attributes, one in each operator's file; listed in registry.cc.
#pragma once

#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

std::shared_ptr<const Layer> AbsFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> AddFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> AveragePoolFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> BatchNormalizationFromOnnx(const Attributes& attributes,
                                                        const ConstantInputs& inputs);
std::shared_ptr<const Layer> ClipFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ConvFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ConvTransposeFromOnnx(const Attributes& attributes,
                                                   const ConstantInputs& inputs);
std::shared_ptr<const Layer> DepthToSpaceFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> DivFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> DropoutFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> EluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ErfFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ExpFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> GeluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> GemmFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> GroupNormalizationFromOnnx(const Attributes& attributes,
                                                        const ConstantInputs& inputs);
std::shared_ptr<const Layer> HardSigmoidFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> HardSwishFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> InstanceNormalizationFromOnnx(const Attributes& attributes,
                                                           const ConstantInputs& inputs);
std::shared_ptr<const Layer> LrnFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> LeakyReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> LogFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> LogSoftmaxFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MatMulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MaxPoolFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MishFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> MulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> NegFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> PReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> PadFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> PowFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ReciprocalFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ReluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> ResizeFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SeluFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SigmoidFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SoftmaxFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SoftplusFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SpaceToDepthFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SqrtFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SubFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> SwishFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);
std::shared_ptr<const Layer> TanhFromOnnx(const Attributes& attributes, const ConstantInputs& inputs);

}  // namespace swath
