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

/// Terms that are added in float32 before their sum goes to a double: over taps, and over columns for the
/// gradient of a weight. A single float32 accumulator over all taps of an 8 × 8 kernel costs two digits where
/// terms cancel, as they do wherever a filter looks at smooth ground; with these the error is that of
/// rounding the rows themselves.
inline constexpr int64_t kTermsAtOnce = 8;
inline constexpr int64_t kColumnTermsAtOnce = 32;

/// The most outputs that Correlate and Dot take at once.
inline constexpr int64_t kMostOutputs = 4;

/// dst[o][x] = (bias ? bias[o] : dst[o][x]) + Σ_t taps[t].weights[o] · taps[t].src[x]  for x in [0, n), o in
/// [0, outputs). Sources must be readable over [0, n) only; dst must not overlap them.
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

/// The row's interleaved 8-bit channels to planes: dst[c][x] = (src[x · channels + c] - zero[c]) · scale[c].
void FromBytes(const uint8_t* src, int64_t channels, int64_t width, const float* zero, const float* scale,
               float* const* dst);

/// probability[x] = 1 / (1 + exp(-logit[x])), softplus[x] = log(1 + exp(logit[x])), both stable at any logit.
void SigmoidAndSoftplus(const float* logit, int64_t n, float* probability, float* softplus);

/// row[x] = exp(row[x]).
void Exp(float* row, int64_t n);

/// The instruction set in use, e.g. "AVX3".
const char* TargetName();

}  // namespace swath::rows
