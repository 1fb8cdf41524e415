/// What a row of logits says of each class.
#pragma once

#include <cstdint>

namespace swath {

/// Rows of `width` values. The complement has its own row: where p is close to 1, 1 - p would be what
/// rounding left of it, and that difference is the gradient of a network that has learnt.
template <class T>
struct Probabilities {
  int64_t width = 0;
  T* p = nullptr;     ///< [class, column]
  T* q = nullptr;     ///< [class, column]: 1 - p; null if it is not wanted
  T* tail = nullptr;  ///< one logit: log(1 + exp(-|z|)); several: log Σ exp(z - largest z)

  T* P(int64_t c) const { return p + c * width; }
  T* Q(int64_t c) const { return q + c * width; }
};

/// Of the positive class, by the sigmoid; the tail as well if q is wanted. In float32 there is rows::Sigmoid,
/// and for a loss rows::BinaryLoss.
void Sigmoid(const double* logits, const Probabilities<double>& row);

/// Of each of `classes`, by the softmax.
template <class T>
void Softmax(const T* const* logits, int64_t classes, const Probabilities<T>& row);

}  // namespace swath
