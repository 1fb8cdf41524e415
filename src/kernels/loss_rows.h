/// SIMD loops over rows of logits and labels: probabilities, and the cross-entropy of one logit. As rows.h,
/// one source for every target.
#pragma once

#include <cstdint>

namespace swath::rows {

/// p[x] = 1 / (1 + exp(-z[x])), q[x] = 1 / (1 + exp(z[x])), tail[x] = log(1 + exp(-|z[x]|)): each with all
/// its digits, at any z.
void Sigmoid(const float* z, int64_t n, float* p, float* q, float* tail);

/// row[x] = exp(row[x]).
void Exp(float* row, int64_t n);

/// A row of one logit a pixel, what Sigmoid made of it, and labels of 0, 1 or `ignore`.
struct BinaryRow {
  const float* z;
  const float* p;
  const float* q;
  const float* tail;
  const uint8_t* labels;
  int64_t n;
  int ignore;  ///< a label without loss; -1 for none
  double weights[2];
};

/// Over the pixels that are not ignored, in doubles.
struct BinarySums {
  double loss = 0, weight = 0, valid = 0;
  double both = 0, predicted = 0, truth = 0;                 ///< Σ p t, Σ p, Σ t
  double hard_both = 0, hard_predicted = 0, hard_truth = 0;  ///< of the decision z > 0
};
BinarySums SumBinary(const BinaryRow& row);

/// diff[x] = weight of the label · (label 1: -q[x], label 0: p[x]), and 0 where it is ignored.
void BinaryGradient(const BinaryRow& row, float* diff);

}  // namespace swath::rows
