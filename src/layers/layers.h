/// Makers of the operators. Sizes of attributes follow ONNX: rows first, then columns.
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
std::shared_ptr<const Layer> MakeConv(const ConvAttributes& attributes);           // conv.cc
std::shared_ptr<const Layer> MakeConvTranspose(const ConvAttributes& attributes);  // conv_transpose.cc

struct PoolAttributes {
  Window rows;
  Window columns;
  bool count_include_pad = false;  ///< AveragePool only
};
std::shared_ptr<const Layer> MakeMaxPool(const PoolAttributes& attributes);      // max_pool.cc
std::shared_ptr<const Layer> MakeAveragePool(const PoolAttributes& attributes);  // average_pool.cc

// Pointwise functions, each in a file of its name; Gelu, HardSwish, Mish and Swish keep their source for the
// way back, the others run in place.
std::shared_ptr<const Layer> MakeRelu();
std::shared_ptr<const Layer> MakeLeakyRelu(double alpha);  ///< alpha >= 0
std::shared_ptr<const Layer> MakeElu(double alpha);        ///< alpha >= 0
std::shared_ptr<const Layer> MakeSelu(double alpha, double gamma);
std::shared_ptr<const Layer> MakeSigmoid();
std::shared_ptr<const Layer> MakeTanh();
std::shared_ptr<const Layer> MakeSoftplus();
std::shared_ptr<const Layer> MakeHardSigmoid(double alpha, double beta);
std::shared_ptr<const Layer> MakeClip(double min, double max);  ///< either may be infinite
enum class GeluApproximation { kNone, kTanh };
std::shared_ptr<const Layer> MakeGelu(GeluApproximation approximation);

// Two operands of one shape, or that broadcast (binary.h); one of them may be a parameter.
enum class ConstantFirst { kNo, kYes };  ///< whether the parameter is the first operand
std::shared_ptr<const Layer> MakeAdd(ConstantFirst constant_first = ConstantFirst::kNo);  // add.cc
std::shared_ptr<const Layer> MakeSub(ConstantFirst constant_first = ConstantFirst::kNo);  // sub.cc
std::shared_ptr<const Layer> MakeMul(ConstantFirst constant_first = ConstantFirst::kNo);  // mul.cc
std::shared_ptr<const Layer> MakeDiv(ConstantFirst constant_first = ConstantFirst::kNo);  // div.cc

std::shared_ptr<const Layer> MakeConcat();                                      // concat.cc, of channels
std::shared_ptr<const Layer> MakeChannelSlice(Range channels);                  // channel_pick.cc
std::shared_ptr<const Layer> MakeChannelGather(std::vector<int64_t> channels);  // channel_pick.cc

/// How many dst pixels there are to how many of src.
struct Factor {
  int64_t up = 1;
  int64_t down = 1;
};
enum class ResizeMode { kNearest, kLinear };
enum class ResizeCoordinates {
  kAsymmetric,
  kHalfPixel,
  kPytorchHalfPixel,
  kHalfPixelSymmetric,
  kAlignCorners
};
enum class NearestRounding { kFloor, kCeil, kRoundPreferFloor, kRoundPreferCeil };
struct ResizeAttributes {
  ResizeMode mode = ResizeMode::kNearest;
  ResizeCoordinates coordinates = ResizeCoordinates::kHalfPixel;
  NearestRounding nearest = NearestRounding::kRoundPreferFloor;
  Factor rows, columns;
};
std::shared_ptr<const Layer> MakeResize(const ResizeAttributes& attributes);  // resize.cc
/// dst[y, x] = src[y / row_factor, x / column_factor]
std::shared_ptr<const Layer> MakeResizeNearest(int64_t row_factor, int64_t column_factor);

enum class PadMode { kConstant, kReflect, kEdge };
struct PadAttributes {
  PadMode mode = PadMode::kConstant;
  int64_t top = 0, bottom = 0, left = 0, right = 0;  ///< negative ones crop
  double value = 0;
};
std::shared_ptr<const Layer> MakePad(const PadAttributes& attributes);  // pad.cc

enum class DepthOrder { kDcr, kCrd };                                            ///< ONNX's modes
std::shared_ptr<const Layer> MakeDepthToSpace(int64_t block, DepthOrder order);  // depth_to_space.cc
std::shared_ptr<const Layer> MakeSpaceToDepth(int64_t block);                    // depth_to_space.cc

std::shared_ptr<const Layer> MakeDropout(double ratio);  // dropout.cc

struct BatchNormalizationAttributes {
  double epsilon = 1e-5;
  double momentum = 0.9;  ///< of the old running statistics, as in ONNX
};
/// Parameters: scale, bias, mean, variance.
std::shared_ptr<const Layer> MakeFrozenBatchNormalization(const BatchNormalizationAttributes& attributes);
std::shared_ptr<const Layer> MakeImageBatchNormalization(const BatchNormalizationAttributes& attributes);
/// Parameters: scale, bias.
std::shared_ptr<const Layer> MakeInstanceNormalization(double epsilon);
std::shared_ptr<const Layer> MakeGroupNormalization(int64_t groups, double epsilon);
std::shared_ptr<const Layer> MakeLayerNormalization(double epsilon);      ///< over channels
std::shared_ptr<const Layer> MakeCoreLayerNormalization(double epsilon);  ///< in core, over the last axis

enum class ReduceKind { kMean, kSum, kMax, kLogSumExp };
std::shared_ptr<const Layer> MakeChannelReduce(ReduceKind kind);  ///< kMean, kMax; channel_reduce.cc
struct GlobalReduceAttributes {
  ReduceKind kind = ReduceKind::kMean;
  bool keep_dims = true;  ///< [1, C, 1, 1], else [1, C]
  bool pool = false;      ///< ONNX's GlobalAveragePool or GlobalMaxPool
};
std::shared_ptr<const Layer> MakeGlobalReduce(const GlobalReduceAttributes& attributes);  // global_reduce.cc
/// Sources: scores, features.    softmax_pool.cc
std::shared_ptr<const Layer> MakeSoftmaxPool();
std::shared_ptr<const Layer> MakeCollect();  // collect.cc

// Tensors in core only. Dimensions and permutations are ONNX's, axes are counted from the right
// (core_axes.h).
struct LinearAttributes {
  bool gemm = true;         ///< else MatMul
  bool transposed = false;  ///< weights are [N, K], else [K, N]
  double alpha = 1, beta = 1;
};
std::shared_ptr<const Layer> MakeLinear(const LinearAttributes& attributes);        // linear.cc
std::shared_ptr<const Layer> MakeReshape(int src_rank, std::vector<int64_t> dims);  // core_shapes.cc
std::shared_ptr<const Layer> MakeTranspose(std::vector<int64_t> perm);              // core_shapes.cc
std::shared_ptr<const Layer> MakeCoreConcat(int64_t axis);                          // core_shapes.cc

/// The engine's own copy of a tensor; lives for ever.    copy.cc
const RowLayer* CopyLayer();

}  // namespace swath
