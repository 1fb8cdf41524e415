#include "train/probabilities.h"

#include <algorithm>
#include <cmath>

#include "kernels/loss_rows.h"

namespace swath {
namespace {

void ExpRow(float* row, int64_t n) { rows::Exp(row, n); }
void ExpRow(double* row, int64_t n) {
  for (int64_t x = 0; x < n; ++x) row[x] = std::exp(row[x]);
}

}  // namespace

void Sigmoid(const double* logits, const Probabilities<double>& row) {
  for (int64_t x = 0; x < row.width; ++x) {
    const double e = std::exp(-std::abs(logits[x]));
    row.p[x] = (logits[x] >= 0 ? 1 : e) / (1 + e);
    if (!row.q) continue;
    row.q[x] = (logits[x] >= 0 ? e : 1) / (1 + e);
    row.tail[x] = std::log1p(e);
  }
}

template <class T>
void Softmax(const T* const* logits, int64_t classes, const Probabilities<T>& row) {
  const int64_t width = row.width;
  T* largest = row.tail;
  std::copy_n(logits[0], width, largest);
  for (int64_t c = 1; c < classes; ++c) {
    for (int64_t x = 0; x < width; ++x) largest[x] = std::max(largest[x], logits[c][x]);
  }
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t x = 0; x < width; ++x) row.P(c)[x] = logits[c][x] - largest[x];
    ExpRow(row.P(c), width);
  }
  for (int64_t x = 0; x < width; ++x) {
    T sum = 0;
    for (int64_t c = 0; c < classes; ++c) sum += row.P(c)[x];
    row.tail[x] = std::log(sum);
    for (int64_t c = 0; c < classes; ++c) row.P(c)[x] /= sum;
  }
  for (int64_t c = 0; row.q && c < classes; ++c) {
    for (int64_t x = 0; x < width; ++x) {
      if (row.P(c)[x] < T(0.5)) {
        row.Q(c)[x] = 1 - row.P(c)[x];
        continue;
      }
      T others = 0;
      for (int64_t j = 0; j < classes; ++j) others += j == c ? T(0) : row.P(j)[x];
      row.Q(c)[x] = others;
    }
  }
}

template void Softmax(const float* const*, int64_t, const Probabilities<float>&);
template void Softmax(const double* const*, int64_t, const Probabilities<double>&);

}  // namespace swath
