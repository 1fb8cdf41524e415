/// What Conv and ConvTranspose are beside the arithmetic (kernels/correlation.h): one layer, seen from either
/// side.
#pragma once

#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

/// Reads the attributes of either operator; inputs[1] are its weights, [coarse, fine / groups, row, column].
ConvAttributes ConvAttributesFromOnnx(const Attributes& attributes, const ConstantInputs& inputs,
                                      Window::Kind kind);

/// The kind of the attributes' windows says which operator it is: one that gathers is a Conv.
std::shared_ptr<const Layer> MakeConvLayer(const ConvAttributes& attributes);

}  // namespace swath
