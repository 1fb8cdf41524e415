/// What the normalisations share.
#pragma once

#include <vector>

#include "layers/layers.h"

namespace swath {

/// The mean of a channel or group, and the reciprocal of its standard deviation.
struct Normal {
  double mean;
  double reciprocal;
};

/// dst = gamma · (src - mean) · reciprocal + beta. In doubles: rounding mean or scale would move all pixels
/// the same way, which sums over the image add up.
template <class T>
void Normalise(const T* src, int64_t n, const Normal& normal, double gamma, double beta, T* dst) {
  const double scale = gamma * normal.reciprocal;
  for (int64_t x = 0; x < n; ++x)
    dst[x] = static_cast<T>((static_cast<double>(src[x]) - normal.mean) * scale + beta);
}

/// *diff_gamma += Σ d · (x - mean) · reciprocal and *diff_beta += Σ d, where they are not null.
template <class T>
void AddAffineGradient(const T* src, const T* d, int64_t n, const Normal& normal, double* diff_gamma,
                       double* diff_beta) {
  double sum = 0, product = 0;
  for (int64_t x = 0; x < n; ++x) {
    sum += static_cast<double>(d[x]);
    product += static_cast<double>(d[x]) * (static_cast<double>(src[x]) - normal.mean);
  }
  if (diff_gamma) *diff_gamma += product * normal.reciprocal;
  if (diff_beta) *diff_beta += sum;
}

Attributes ToOnnx(const BatchNormalizationAttributes& attributes);
/// Checks scale, bias, mean and variance of one value a channel.
void ExpectBatchNormalization(const std::vector<Shape>& srcs, const ParameterList& parameters);

}  // namespace swath
