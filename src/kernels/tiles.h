/// The inner loops of narrow correlations: tiles of sums in registers, over rows of float32. The words are
/// those of kernels/correlation.h. Lanes of a vector are columns of the fine tensor, whatever the stride:
/// weights repeat every `stride` lanes, and a coarse value is seen by as many lanes beside each other. So
/// rows are read and written where they lie, and nothing is split by phases.
///
/// Fine column i, coarse column x and column tap k meet where i = x · stride + k · dilation - pad. With
/// strides over 1 the dilation is 1, and k = shift · stride + phase.
#pragma once

#include <cstdint>
#include <span>

#include "swath/range.h"

namespace swath::tiles {

/// Strides that divide the lanes of every vector.
constexpr bool Takes(int64_t stride) { return stride == 1 || stride == 2 || stride == 4; }

/// The most outputs of a call.
inline constexpr int64_t kMostOutputs = 8;
/// A group has 1 to 5 outputs, or 8: how many of those that are left it should take.
constexpr int64_t OutputsOfGroup(int64_t left) {
  if (left >= 8) return 8;
  return left == 6 ? 3 : left == 7 ? 4 : left;
}
/// Values beyond those that are asked for, on either side, that may be read of a source. They enter into
/// nothing but must be there.
inline constexpr int64_t kReadBeyond = 16;
/// Lanes whose weights lie beside each other: copies of the weights of all phases.
template <class Weight>
inline constexpr int64_t kPattern = sizeof(Weight) == sizeof(float) ? 4 : 8;

struct Columns {
  int64_t stride = 1;
  int64_t step = 1;    ///< columns of the source from one shift to the next
  int64_t shifts = 1;  ///< ⌈kernel / stride⌉
  /// Gather, with a stride of 1: keeps a sum for every shift, which are added up at last, in doubles. So a
  /// value that is loaded, and from an aligned address, enters into as many sums as there are shifts: for few
  /// outputs. There is one group for each of them.
  bool by_shift = false;
};
/// The most columns from the first shift to the last for that.
inline constexpr int64_t kMostReach = 64;

/// Rows that the same outputs see, as many as OutputsOfGroup.
template <class Weight>
struct Group {
  std::span<const float* const> sources;
  int64_t first_output = 0, outputs = 0;
  const Weight* weights = nullptr;  ///< [source][shift][output][kPattern]
};

/// dst[o][x] = (bias ? bias[o] : dst[o][x]) + Σ over groups, sources, shifts and phases of
/// weight[phase] · source[x · stride + shift · step + phase]  for x in columns. Float sums are of at most 40
/// terms, which are added up as floats; with doubles only dst is rounded. With `relu` dst is not less than 0.
void Gather(const Columns& c, std::span<const Group<float>> groups, int64_t outputs, const float* bias,
            bool relu, float* const* dst, Range columns);
void Gather(const Columns& c, std::span<const Group<double>> groups, int64_t outputs, const float* bias,
            bool relu, float* const* dst, Range columns);

/// dst[o][i] = (bias ? bias[o] : dst[o][i]) + Σ over sources and shifts of weight[i mod kPattern] ·
/// source[⌊(i + phase) / stride⌋ - shift · step]  for i in columns; 0 ≤ phase < stride, and weights begin
/// with those of column 0. All outputs see all sources. Sums begin with the bias: what a unit makes of smooth
/// ground is near zero where it is of use, and is rounded as such. With `relu` dst is not less than 0. Where
/// there are gates, dst[o][i] is 0 unless gates[o][i] > 0.
void Scatter(const Columns& c, int64_t phase, const Group<float>& group, const float* bias, bool relu,
             const float* const* gates, float* const* dst, Range columns);
void Scatter(const Columns& c, int64_t phase, const Group<double>& group, const float* bias, bool relu,
             const float* const* gates, float* const* dst, Range columns);

/// sums[(o · fine.size() + f) · shifts + j] += Σ fine[f][i] · coarse[o][i - j · step]  for i in columns.
/// Coarse rows must be readable as zeros wherever they do not meet a column, up to kReadBeyond further on.
template <class Partial>
void DotShifts(const Columns& c, std::span<const float* const> fine, std::span<const float* const> coarse,
               Range columns, double* sums);

/// sums[(f · coarse.size() + o) · 4 + l] += Σ of coarse[o][x] · fine[f][x · stride + p]  for x in columns and
/// phases p, in parts l that belong to phase l mod stride. Float sums are as long as rows::Dot's.
template <class Partial>
void Dot(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
         Range columns, double* sums);

}  // namespace swath::tiles
