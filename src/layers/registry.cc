#include "layers/registry.h"

#include <algorithm>

#include "layers/operators.h"

namespace swath {

const std::vector<OperatorEntry>& Operators() {
  using Constants = OperatorEntry::Constants;
  static const std::vector<OperatorEntry> operators = {
      {"Abs", Constants::kParameters, AbsFromOnnx},
      {"Add", Constants::kParameters, AddFromOnnx},
      {"AveragePool", Constants::kParameters, AveragePoolFromOnnx},
      {"BatchNormalization", Constants::kParameters, BatchNormalizationFromOnnx},
      {"Clip", Constants::kSettings, ClipFromOnnx},
      {"Conv", Constants::kParameters, ConvFromOnnx},
      {"ConvTranspose", Constants::kParameters, ConvTransposeFromOnnx},
      {"DepthToSpace", Constants::kParameters, DepthToSpaceFromOnnx},
      {"Div", Constants::kParameters, DivFromOnnx},
      {"Dropout", Constants::kSettings, DropoutFromOnnx},
      {"Elu", Constants::kParameters, EluFromOnnx},
      {"Erf", Constants::kParameters, ErfFromOnnx},
      {"Exp", Constants::kParameters, ExpFromOnnx},
      {"Gelu", Constants::kParameters, GeluFromOnnx},
      {"Gemm", Constants::kParameters, GemmFromOnnx},
      {"GroupNormalization", Constants::kParameters, GroupNormalizationFromOnnx},
      {"HardSigmoid", Constants::kParameters, HardSigmoidFromOnnx},
      {"HardSwish", Constants::kParameters, HardSwishFromOnnx},
      {"InstanceNormalization", Constants::kParameters, InstanceNormalizationFromOnnx},
      {"LRN", Constants::kParameters, LrnFromOnnx},
      {"LeakyRelu", Constants::kParameters, LeakyReluFromOnnx},
      {"Log", Constants::kParameters, LogFromOnnx},
      {"LogSoftmax", Constants::kParameters, LogSoftmaxFromOnnx},
      {"MatMul", Constants::kParameters, MatMulFromOnnx},
      {"MaxPool", Constants::kParameters, MaxPoolFromOnnx},
      {"Mish", Constants::kParameters, MishFromOnnx},
      {"Mul", Constants::kParameters, MulFromOnnx},
      {"Neg", Constants::kParameters, NegFromOnnx},
      {"PRelu", Constants::kParameters, PReluFromOnnx},
      {"Pad", Constants::kSettings, PadFromOnnx},
      {"Pow", Constants::kSettings, PowFromOnnx},
      {"Reciprocal", Constants::kParameters, ReciprocalFromOnnx},
      {"Relu", Constants::kParameters, ReluFromOnnx},
      {"Resize", Constants::kSettings, ResizeFromOnnx},
      {"Selu", Constants::kParameters, SeluFromOnnx},
      {"Sigmoid", Constants::kParameters, SigmoidFromOnnx},
      {"Softmax", Constants::kParameters, SoftmaxFromOnnx},
      {"Softplus", Constants::kParameters, SoftplusFromOnnx},
      {"SpaceToDepth", Constants::kParameters, SpaceToDepthFromOnnx},
      {"Sqrt", Constants::kParameters, SqrtFromOnnx},
      {"Sub", Constants::kParameters, SubFromOnnx},
      {"Swish", Constants::kParameters, SwishFromOnnx},
      {"Tanh", Constants::kParameters, TanhFromOnnx},
  };
  return operators;
}

const OperatorEntry* FindOperator(std::string_view type) {
  const auto& all = Operators();
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const OperatorEntry& e) { return e.type == type; });
  return it == all.end() ? nullptr : &*it;
}

}  // namespace swath
