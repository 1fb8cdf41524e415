/// What Conv and ConvTranspose share beside the arithmetic (kernels/correlation.h).
#pragma once

#include <algorithm>

#include "kernels/correlation.h"
#include "layers/layers.h"
#include "layers/registry.h"

namespace swath {

/// Reads the attributes of either operator; inputs[1] are its weights, [coarse, fine / groups, row, column].
ConvAttributes ConvAttributesFromOnnx(const Attributes& attributes, const ConstantInputs& inputs,
                                      Window::Kind kind);
Attributes ConvAttributesToOnnx(const ConvAttributes& conv);

/// Checks sources and parameters; `dst_channels` is what the weights say.
Shape ConvShape(const ConvAttributes& conv, const std::vector<Shape>& srcs, const ParameterList& parameters,
                int64_t src_channels, int64_t dst_channels);

/// Row kernel of either operator on top of a Correlation.
template <class T>
std::unique_ptr<RowKernel<T>> MakeConvKernel(const ConvAttributes& conv, const KernelContext& context);

/// Adds Σ diff_dst to the gradient of the bias, if there is one: the reference's half.
void ReferenceBiasGradient(const Tensor& diff_dst, const ReferenceGradients& gradients);

/// A convolution is a walk over (coarse row, coarse column, tap) triples that meet a fine pixel; both
/// operators and both directions of the reference are one line each on top of it. f(coarse channel, coarse
/// row, coarse column, fine channel, fine row, fine column, weight index).
template <class F>
void ForEachProduct(const ConvAttributes& conv, const Shape& coarse, const Shape& fine, F&& f) {
  const Window &rows = conv.rows, &columns = conv.columns;
  const int64_t fine_per_group = fine.channels / conv.groups,
                coarse_per_group = coarse.channels / conv.groups;
  for (int64_t c = 0; c < coarse.channels; ++c) {
    for (int64_t i = 0; i < fine_per_group; ++i) {
      const int64_t fc = c / coarse_per_group * fine_per_group + i;
      for (int64_t ky = 0; ky < rows.kernel; ++ky) {
        for (int64_t kx = 0; kx < columns.kernel; ++kx) {
          const int64_t w = ((c * fine_per_group + i) * rows.kernel + ky) * columns.kernel + kx;
          // The columns whose fine column lies inside the image.
          const int64_t offset = kx * columns.dilation - columns.pad_begin;
          const int64_t begin = std::max<int64_t>(0, CeilDiv(-offset, columns.stride));
          const int64_t end = std::min(coarse.width, FloorDiv(fine.width - 1 - offset, columns.stride) + 1);
          for (int64_t y = 0; y < coarse.height; ++y) {
            const int64_t fy = y * rows.stride + ky * rows.dilation - rows.pad_begin;
            if (fy < 0 || fy >= fine.height) continue;
            for (int64_t x = begin; x < end; ++x) f(c, y, x, fc, fy, x * columns.stride + offset, w);
          }
        }
      }
    }
  }
}

}  // namespace swath
