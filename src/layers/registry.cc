#include "layers/registry.h"

#include <algorithm>

#include "layers/operators.h"

namespace swath {

const std::vector<OperatorEntry>& Operators() {
  using Constants = OperatorEntry::Constants;
  static const std::vector<OperatorEntry> operators = {
      {"Add", Constants::kParameters, AddFromOnnx},
      {"AveragePool", Constants::kParameters, AveragePoolFromOnnx},
      {"Concat", Constants::kParameters, ConcatFromOnnx},
      {"Conv", Constants::kParameters, ConvFromOnnx},
      {"ConvTranspose", Constants::kParameters, ConvTransposeFromOnnx},
      {"LeakyRelu", Constants::kParameters, LeakyReluFromOnnx},
      {"MaxPool", Constants::kParameters, MaxPoolFromOnnx},
      {"Mul", Constants::kParameters, MulFromOnnx},
      {"Relu", Constants::kParameters, ReluFromOnnx},
      {"Resize", Constants::kSettings, ResizeFromOnnx},
      {"Sigmoid", Constants::kParameters, SigmoidFromOnnx},
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
