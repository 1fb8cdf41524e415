/// Which sums of a narrow layer are added in doubles: where all pixels of a kind are rounded alike, errors do
/// not average out over the image. docs/architecture.md tells how the limits were found.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/correlation.h"

namespace swath {

/// A layer of so few multiply-adds a pixel of the image adds over taps in doubles: it is to be exact rather
/// than fast. Where rows are bfloat16 there is nothing to be gained.
inline bool IsExact(const CorrelationShape& shape) { return !shape.bfloat16 && shape.multiply_adds <= 50; }

/// Forward, the terms of the image are added in doubles up to here: samples have 256 values, so that
/// roundings of products with them are few, and add up over the image.
inline bool IsExactOfImage(const CorrelationShape& shape) {
  return !shape.bfloat16 && shape.multiply_adds <= 256 &&
         std::count(shape.image_channels.begin(), shape.image_channels.end(), true) > 0;
}

/// And one of so few adds the products of weight gradients in doubles from the start, too: those that see few
/// pixels, and the first layer of a small network, whose samples have but 256 values. Where most of an image
/// is glass, float32 sums of theirs erred most.
inline bool IsExactGradient(const CorrelationShape& shape) { return shape.multiply_adds <= 24; }

}  // namespace swath
