/// Makers of the operators, one a file. Sizes of attributes follow ONNX: rows first, then columns.
#pragma once

#include <memory>

#include "layers/layer.h"

namespace swath {

/// Attributes of Conv and ConvTranspose. `rows` and `columns` have the kind that fits the operator.
struct ConvAttributes {
  Window rows;
  Window columns;
  int64_t groups = 1;
};

struct PoolAttributes {
  Window rows;
  Window columns;
  bool count_include_pad = false;  ///< AveragePool only
};

std::shared_ptr<const Layer> MakeConv(const ConvAttributes& attributes);           // conv.cc
std::shared_ptr<const Layer> MakeConvTranspose(const ConvAttributes& attributes);  // conv_transpose.cc
std::shared_ptr<const Layer> MakeMaxPool(const PoolAttributes& attributes);        // max_pool.cc
std::shared_ptr<const Layer> MakeAveragePool(const PoolAttributes& attributes);    // average_pool.cc
std::shared_ptr<const Layer> MakeRelu();                                           // relu.cc
std::shared_ptr<const Layer> MakeLeakyRelu(double alpha);  // leaky_relu.cc; alpha >= 0
std::shared_ptr<const Layer> MakeSigmoid();                // sigmoid.cc
std::shared_ptr<const Layer> MakeConcat();                 // concat.cc, along channels
std::shared_ptr<const Layer> MakeAdd();                    // add.cc, two tensors of one shape
/// Nearest resizing by whole factors, dst[y, x] = src[y / row_factor, x / column_factor].    resize.cc
std::shared_ptr<const Layer> MakeResizeNearest(int64_t row_factor, int64_t column_factor);
/// dst = src + shift, or src · scale, by channel; the parameter has one value a channel or one in all.
/// channel_affine.cc
std::shared_ptr<const Layer> MakeChannelAdd();
std::shared_ptr<const Layer> MakeChannelMul();

/// The engine's own copy of a tensor; lives for ever.    copy.cc
const RowLayer* CopyLayer();

}  // namespace swath
