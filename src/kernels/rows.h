/// SIMD loops over rows of float32: the whole inner arithmetic of the narrow layers. One source for every
/// target that Highway knows; the best one that the processor has is taken at run time.
#pragma once

#include <cstdint>
#include <span>

namespace swath::rows {

/// One term of a correlation: a source row, shifted to where the first column reads it, and a weight for each
/// output.
struct Tap {
  const float* src;
  const float* weights;
};

/// Columns whose products are added in float32, in each lane of a vector, before they go to a double: the
/// gradient of a weight is a sum over all pixels, and only that of these few is rounded. They are few since
/// over empty glass all products are equal, and so are their roundings.
inline constexpr int64_t kColumnTermsAtOnce = 4;

/// The most outputs that Correlate and Dot take at once.
inline constexpr int64_t kMostOutputs = 4;

/// dst[o][x] = (bias ? bias[o] : dst[o][x]) + Σ_t taps[t].weights[o] · taps[t].src[x]  for x in [0, n), o in
/// [0, outputs). Products and sums are doubles: a filter that looks at smooth ground adds large terms that
/// cancel, and in float32 the 192 taps of an 8 × 8 kernel over three channels lose two digits there. What is
/// left is the error of rounding dst. Sources must be readable over [0, n) only; dst must not overlap them.
void Correlate(std::span<const Tap> taps, int64_t outputs, const float* bias, float* const* dst, int64_t n);

/// sums[t · outputs + o] += Σ_x src[t][x] · diff[o][x]  for x in [0, n).
void Dot(std::span<const float* const> src, std::span<const float* const> diff, int64_t n, double* sums);

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
/// channels.
void Interleave(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch, float* dst);

/// Its inverse, to add up: dst[c][x] = (bias ? bias[c] : dst[c][x]) + sum[x · channels + c]; null dst are
/// skipped.
void AddInterleaved(const double* sum, std::span<float* const> dst, const float* bias, int64_t n);

/// sum[i] += row[i].
void AddTo(const float* row, int64_t n, double* sum);

/// The row's interleaved 8-bit channels to planes: dst[c][x] = (src[x · channels + c] - zero[c]) · scale[c].
void FromBytes(const uint8_t* src, int64_t channels, int64_t width, const float* zero, const float* scale,
               float* const* dst);

/// p[x] = 1 / (1 + exp(-z[x])), q[x] = 1 / (1 + exp(z[x])), tail[x] = log(1 + exp(-|z[x]|)): each with all
/// its digits, at any z.
void Sigmoid(const float* z, int64_t n, float* p, float* q, float* tail);

/// row[x] = exp(row[x]).
void Exp(float* row, int64_t n);

/// The instruction set in use, e.g. "AVX3".
const char* TargetName();

}  // namespace swath::rows
