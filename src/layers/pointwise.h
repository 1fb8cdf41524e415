/// What the activations share: loops over a row, written once for both row types.
#pragma once

#include "layers/layer.h"

namespace swath {

/// Derived supplies `template <class T> static/const T F(T x)` and `T FromDst(T dst)`, the derivative given
/// f(x).
template <class Derived>
class PointwiseActivation : public Activation {
 public:
  void Forward(float* row, int64_t n) const final { ForwardRow(row, n); }
  void Forward(double* row, int64_t n) const final { ForwardRow(row, n); }
  void Backward(const float* dst, float* diff, int64_t n) const final { BackwardRow(dst, diff, n); }
  void Backward(const double* dst, double* diff, int64_t n) const final { BackwardRow(dst, diff, n); }

 private:
  template <class T>
  void ForwardRow(T* row, int64_t n) const {
    const auto& self = static_cast<const Derived&>(*this);
    for (int64_t i = 0; i < n; ++i) row[i] = self.F(row[i]);
  }
  template <class T>
  void BackwardRow(const T* dst, T* diff, int64_t n) const {
    const auto& self = static_cast<const Derived&>(*this);
    for (int64_t i = 0; i < n; ++i) diff[i] *= self.FromDst(dst[i]);
  }
};

}  // namespace swath
