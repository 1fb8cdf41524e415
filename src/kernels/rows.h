/// SIMD loops over rows of float32: the whole inner arithmetic of the narrow layers. One source for every
/// target that Highway knows; the best one that the processor has is taken at run time.
#pragma once

#include <cstdint>
#include <span>

#include "swath/range.h"
#include "tensor/bfloat16.h"

namespace swath::rows {

/// Terms of a correlation that see one row: the i-th of them sees it i · Taps::step columns further on and
/// has its weights, one for each output, from weight + i · Taps::pitch on. src is shifted to where the first
/// column reads it.
struct Tap {
  const float* src;
  int64_t weight;
  int64_t count;
};

/// The type of the weights says what is added in.
template <class Weight>
struct Taps {
  std::span<const Tap> taps;
  std::span<const int64_t> runs;  ///< how many consecutive taps each has
  const Weight* weights = nullptr;
  int64_t step = 1;
  int64_t pitch = 0;
};

/// Columns whose products are added in each lane of a vector, in float32, before they go to a double: the
/// gradient of a weight is a sum over all pixels, and only that of these few is rounded. They are few since
/// over empty glass all products are equal, and so are their roundings; and with 16 lanes they are the 512
/// terms that one sum in float32 may have.
inline constexpr int64_t kColumnTermsAtOnce = 32;

/// The most outputs that Correlate and Dot take at once.
inline constexpr int64_t kMostOutputs = 4;

/// dst[o][x] = (bias ? bias[o] : dst[o][x]) + Σ_t weights[taps[t].weight + o] · taps[t].src[x] for x in
/// columns, o in [0, outputs). Sources must be readable over the columns only; dst must not overlap them. In
/// doubles what is left is the error of rounding dst; in float32 a run is added by itself, then to what the
/// others gave.
void Correlate(const Taps<float>& taps, int64_t outputs, const float* bias, float* const* dst, Range columns);
void Correlate(const Taps<double>& taps, int64_t outputs, const float* bias, float* const* dst,
               Range columns);

/// sums[t · outputs + o] += Σ_x src[t][x] · diff[o][x]  for x in columns; Partial, float or double, is what
/// the products of kColumnTermsAtOnce columns are added in.
template <class Partial>
void Dot(std::span<const float* const> src, std::span<const float* const> diff, Range columns, double* sums);

/// Which blocks of columns repeat the one before, bit for bit, in all rows: for every whole block of [0, n),
/// repeats[i] &= row[i · block + j] is row[(i - 1) · block + j] for j in [0, block), all rows.
void KeepRepeats(std::span<const float* const> rows, int64_t n, int64_t block, std::span<uint8_t> repeats);

/// Σ_x row[x].
double Sum(const float* row, int64_t n);

/// dst[p][j] = src[j · phases + p - shift] for j in [0, n); 0 where that lies outside [0, width).
void Split(const float* src, int64_t width, int64_t shift, int64_t phases, float* const* dst, int64_t n);

/// Its inverse: dst[j · phases + p - shift] = or += src[p][j] for j in [first, first + n), where inside [0,
/// width). src[p] begins at j = first.
enum class Store { kSet, kAdd };
void Merge(const float* const* src, int64_t first, int64_t n, int64_t shift, int64_t phases, float* dst,
           int64_t width, Store store);

/// dst[x · pitch + c] = src[c][begin + x]  for x in [0, n): planes to what libraries call NHWC, of pitch
/// channels. As BFloat16 they are rounded.
void Interleave(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch, float* dst);
void Interleave(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch, BFloat16* dst);

/// Its inverse, to add up: dst[c][x] = (bias ? bias[c] : dst[c][x]) + sum[x · channels + c]; null dst are
/// skipped.
void AddInterleaved(const double* sum, std::span<float* const> dst, const float* bias, int64_t n);

/// sum[i] += row[i].
void AddTo(const float* row, int64_t n, double* sum);

/// The row's interleaved 8-bit channels to planes: dst[c][x] = (src[x · channels + c] - zero[c]) · scale[c].
void FromBytes(const uint8_t* src, int64_t channels, int64_t width, const float* zero, const float* scale,
               float* const* dst);

/// dst[x] = src[x] · scale to the nearest integer, halves up, for x in [0, n); src is not negative.
void ToBytes(const float* src, int64_t n, float scale, uint8_t* dst);

/// dst[x] = src[x] for x in [0, n), rounded as ToBFloat16 does.
void Round(const float* src, int64_t n, BFloat16* dst);
/// row[x] = row[x], rounded.
void RoundInPlace(float* row, int64_t n);
/// dst[x] = src[x] for x in [0, n).
void Widen(const BFloat16* src, int64_t n, float* dst);

/// The instruction set in use, e.g. "AVX3".
const char* TargetName();

}  // namespace swath::rows
