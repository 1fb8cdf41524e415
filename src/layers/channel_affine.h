/// How the engine recognises a normalisation of the input, which it applies while it converts pixels.
#pragma once

#include <optional>

#include "layers/layer.h"

namespace swath {

enum class AffineKind { kAdd, kMul };

/// Which of the two a layer is, or nothing.
std::optional<AffineKind> ChannelAffineKind(const Layer& layer);

/// The constant's value for a channel: constants have one value a channel, or one in all.
float ChannelValue(const Parameter& constant, int64_t channel);

}  // namespace swath
