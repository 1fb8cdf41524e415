/// How the engine recognises a normalisation of the input, which it applies while it converts samples.
#pragma once

#include <optional>
#include <vector>

#include "layers/layer.h"

namespace swath {

/// src + value or src · value, with one value a channel or one in all.
struct InputMap {
  enum class Kind { kAdd, kMul };
  Kind kind = Kind::kAdd;
  std::vector<double> values;
};

/// What an Add, Sub, Mul or Div with a constant that is not trained does to its source; nothing for others.
std::optional<InputMap> InputMapOf(const Layer& layer, const Parameter& constant);

}  // namespace swath
