/// The row rules: which rows of its source a row of a layer reads, and who reads a given row.
///
/// Pure integer functions of one axis; columns obey the same rules. Everything else in Swath that needs to
/// know about kernels, strides, dilations and pads asks here. Tested against brute force.
#pragma once

#include <cstdint>

#include "swath/range.h"

namespace swath {

/// How an output size that the stride does not divide is rounded (ONNX `ceil_mode`).
enum class Rounding { kFloor, kCeil };

/// One axis of a layer, in ONNX's words: `kernel_shape`, `strides`, `dilations` (1 is undilated), `pads`.
///
/// kGather is a convolution or a pooling: dst[y] reads src[y·stride - pad_begin + i·dilation] for i in [0,
/// kernel). kScatter is a transposed convolution: src[x] feeds dst[x·stride - pad_begin + i·dilation].
/// A pointwise layer is the gather {kernel = 1, stride = 1}.
///
/// Resizing is a gather that moves by a fraction: with a `divisor` D it begins at ⌊(y·stride - pad_begin) /
/// D⌋; a stride of 0 is that of a result of one index. Padding with values of the image reads no padding:
/// with `clamp` = n indices below 0 read 0 and those from n on read n - 1. kReflect is such a padding,
/// mirrored: dst[y] reads src[|y - pad_begin|] and, at the other end, src[2 (n - 1) - (y - pad_begin)].
///
/// Ranges are hulls and are not clipped to the image: indices outside it are padding. They may be empty
/// (kernel < stride leaves source rows that nobody reads, dilation or kernel < stride leaves transposed
/// outputs that read nothing). Begins and ends never decrease with the index, which is what lets rows be
/// freed in order.
struct Window {
  enum class Kind { kGather, kScatter, kReflect };

  Kind kind = Kind::kGather;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
  int64_t output_padding = 0;  ///< kScatter only: extra rows at the end of dst
  int64_t divisor = 1;         ///< kGather only
  int64_t clamp = 0;           ///< kGather and kReflect: number of source indices; 0 pads with nothing
  Rounding rounding = Rounding::kFloor;

  /// Length of the dilated kernel.
  int64_t extent() const { return dilation * (kernel - 1) + 1; }

  /// The most source indices that the range of `outputs` consecutive outputs spans.
  int64_t most_src(int64_t outputs = 1) const;

  /// Number of outputs for `src` inputs; may be <= 0, which the caller refuses.
  int64_t DstSize(int64_t src) const;

  /// The source indices that output y reads.
  Range Src(int64_t y) const;
  /// The source indices that any of the outputs in `dst` reads; empty for an empty range.
  Range Src(Range dst) const;

  /// The last output that reads source index r, or any output before it: once the gradients of all outputs up
  /// to and including this one are known, the gradient of r is final.
  int64_t LastDst(int64_t r) const;
  /// The first output that reads source index r, or any index after it. Of a gather whose divisor is 1 and
  /// that does not clamp.
  int64_t FirstDst(int64_t r) const;

  /// The kernel tap through which output y reads source index r, or -1 if it does not.
  int64_t Tap(int64_t y, int64_t r) const;
};

/// Integer division towards minus infinity and towards plus infinity; b > 0.
constexpr int64_t FloorDiv(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
constexpr int64_t CeilDiv(int64_t a, int64_t b) { return -FloorDiv(-a, b); }
constexpr int64_t RoundUp(int64_t a, int64_t multiple) { return CeilDiv(a, multiple) * multiple; }

}  // namespace swath
