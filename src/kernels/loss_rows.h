/// SIMD loops over rows of logits and labels: probabilities, and the cross-entropy of one logit. As rows.h,
/// one source for every target.
#pragma once

#include <cstdint>

namespace swath::rows {

/// row[x] = exp(row[x]).
void Exp(float* row, int64_t n);
/// p[x] = 1 / (1 + exp(-z[x])); p may be z.
void Sigmoid(const float* z, int64_t n, float* p);

/// A row of one logit a pixel and labels of 0, 1 or `ignore`.
struct BinaryRow {
  const float* z;
  const uint8_t* labels;
  int64_t n;
  int ignore;  ///< a label without loss; -1 for none
  double weights[2];
  bool overlap = true;  ///< whether BinarySums::both and predicted are wanted; else they are 0
};

/// Over the pixels that are not ignored. The loss of a pixel is the weight of its label times -log p or, for
/// label 0, -log(1 - p).
struct BinarySums {
  double loss = 0, weight = 0;
  int64_t valid = 0, truth = 0;               ///< pixels, and those of label 1
  double both = 0, predicted = 0;             ///< Σ p over label 1, Σ p
  int64_t hard_both = 0, hard_predicted = 0;  ///< pixels with z > 0
};

/// Where rows of n values go; null for none.
struct BinaryResults {
  float* p = nullptr;     ///< 1 / (1 + exp(-z))
  float* q = nullptr;     ///< 1 / (1 + exp(z)), with all its digits
  float* diff = nullptr;  ///< weight of the label · (label 1: -q, label 0: p), and 0 where it is ignored
};
BinarySums BinaryLoss(const BinaryRow& row, const BinaryResults& results);

}  // namespace swath::rows
