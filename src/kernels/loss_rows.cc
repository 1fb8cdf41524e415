#include "kernels/loss_rows.h"

#include <algorithm>

// The order of these lines is Highway's.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/loss_rows.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep: compiles this file again for every target

#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace swath::rows::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using D64 = hn::ScalableTag<double>;
using V64 = hn::Vec<D64>;
using M64 = hn::Mask<D64>;

/// f(x, load, store) over [0, n), a vector of D at a time. Masked loads and stores are slow on some machines,
/// so that only the last vector has them.
template <class Columns, class F>
HWY_INLINE void ForColumns(Columns d, int64_t n, F f) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    f(
        x, [d](const float* p) HWY_ATTR { return hn::LoadU(d, p); },
        [d](auto v, float* p) HWY_ATTR { hn::StoreU(v, d, p); });
  }
  if (x == n) return;
  const auto mask = hn::FirstN(d, static_cast<size_t>(n - x));
  f(
      x, [=](const float* p) HWY_ATTR { return hn::MaskedLoad(mask, d, p); },
      [=](auto v, float* p) HWY_ATTR { hn::BlendedStore(v, mask, d, p); });
}

void Sigmoid(const float* z, int64_t n, float* p, float* q, float* tail) {
  const D d;
  const V one = hn::Set(d, 1.0f), zero = hn::Zero(d);
  ForColumns(d, n, [&](int64_t x, auto load, auto store) HWY_ATTR {
    const V logit = load(z + x);
    const V e = hn::Exp(d, hn::Neg(hn::Abs(logit)));  // never overflows
    const V larger = hn::Div(one, hn::Add(one, e)), smaller = hn::Mul(e, larger);
    const auto positive = hn::Ge(logit, zero);
    store(hn::IfThenElse(positive, larger, smaller), p + x);
    store(hn::IfThenElse(positive, smaller, larger), q + x);
    store(hn::Log1p(d, e), tail + x);
  });
}

void Exp(float* row, int64_t n) {
  const D d;
  ForColumns(d, n,
             [&](int64_t x, auto load, auto store) HWY_ATTR { store(hn::Exp(d, load(row + x)), row + x); });
}

/// Float32, as many as a vector has doubles.
using Half = hn::Rebind<float, D64>;

/// The labels of columns [x, x + lanes) in doubles; -2 beyond the end of the row.
HWY_INLINE V64 Labels(const BinaryRow& row, int64_t x) {
  const hn::Rebind<uint8_t, D64> d;
  const hn::Rebind<int32_t, D64> di;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (x + lanes <= row.n) {
    return hn::PromoteTo(D64(), hn::ConvertTo(Half(), hn::PromoteTo(di, hn::LoadU(d, row.labels + x))));
  }
  HWY_ALIGN float labels[hn::MaxLanes(D64())];
  for (int64_t i = 0; i < lanes; ++i)
    labels[i] = x + i < row.n ? static_cast<float>(row.labels[x + i]) : -2.0f;
  return hn::PromoteTo(D64(), hn::Load(Half(), labels));
}

/// Of labels: which are 1, which count, and what they weigh.
struct BinaryMasks {
  M64 counts, own;
  V64 weight;

  BinaryMasks(const BinaryRow& row, V64 labels) {
    const D64 d;
    counts =
        hn::And(hn::Ne(labels, hn::Set(d, static_cast<double>(row.ignore))), hn::Ge(labels, hn::Zero(d)));
    own = hn::And(counts, hn::Eq(labels, hn::Set(d, 1.0)));
    weight = hn::IfThenElseZero(counts,
                                hn::IfThenElse(own, hn::Set(d, row.weights[1]), hn::Set(d, row.weights[0])));
  }
};

BinarySums SumBinary(const BinaryRow& row) {
  const D64 d;
  const V64 zero = hn::Zero(d), one = hn::Set(d, 1.0);
  V64 loss = zero, weight = zero, valid = zero, both = zero, predicted = zero, truth = zero, hard_both = zero,
      hard_predicted = zero;
  ForColumns(Half(), row.n, [&](int64_t x, auto load, auto) HWY_ATTR {
    const BinaryMasks masks(row, Labels(row, x));
    const auto doubles = [&](const float* values) HWY_ATTR { return hn::PromoteTo(d, load(values + x)); };
    const V64 z = doubles(row.z), p = doubles(row.p);
    const V64 wrong = hn::IfThenElse(masks.own, hn::Neg(z), z);
    // As a maximum, but one that keeps a NaN.
    const V64 from_kink = hn::IfThenElse(hn::Le(wrong, zero), zero, wrong);
    loss = hn::MulAdd(masks.weight, hn::Add(doubles(row.tail), from_kink), loss);
    weight = hn::Add(weight, masks.weight);
    valid = hn::Add(valid, hn::IfThenElseZero(masks.counts, one));
    both = hn::Add(both, hn::IfThenElseZero(masks.own, p));
    predicted = hn::Add(predicted, hn::IfThenElseZero(masks.counts, p));
    truth = hn::Add(truth, hn::IfThenElseZero(masks.own, one));
    const M64 positive = hn::Gt(z, zero);
    hard_both = hn::Add(hard_both, hn::IfThenElseZero(hn::And(masks.own, positive), one));
    hard_predicted = hn::Add(hard_predicted, hn::IfThenElseZero(hn::And(masks.counts, positive), one));
  });
  const auto sum = [d](V64 v) HWY_ATTR { return hn::GetLane(hn::SumOfLanes(d, v)); };
  return {.loss = sum(loss),
          .weight = sum(weight),
          .valid = sum(valid),
          .both = sum(both),
          .predicted = sum(predicted),
          .truth = sum(truth),
          .hard_both = sum(hard_both),
          .hard_predicted = sum(hard_predicted),
          .hard_truth = sum(truth)};
}

void BinaryGradient(const BinaryRow& row, float* diff) {
  const D64 d;
  ForColumns(Half(), row.n, [&](int64_t x, auto load, auto store) HWY_ATTR {
    const BinaryMasks masks(row, Labels(row, x));
    const V64 p = hn::PromoteTo(d, load(row.p + x)), q = hn::PromoteTo(d, load(row.q + x));
    store(hn::DemoteTo(Half(), hn::Mul(masks.weight, hn::IfThenElse(masks.own, hn::Neg(q), p))), diff + x);
  });
}

}  // namespace swath::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::rows {

HWY_EXPORT(Sigmoid);
HWY_EXPORT(Exp);
HWY_EXPORT(SumBinary);
HWY_EXPORT(BinaryGradient);

void Sigmoid(const float* z, int64_t n, float* p, float* q, float* tail) {
  HWY_DYNAMIC_DISPATCH(Sigmoid)(z, n, p, q, tail);
}
void Exp(float* row, int64_t n) { HWY_DYNAMIC_DISPATCH(Exp)(row, n); }
BinarySums SumBinary(const BinaryRow& row) { return HWY_DYNAMIC_DISPATCH(SumBinary)(row); }
void BinaryGradient(const BinaryRow& row, float* diff) { HWY_DYNAMIC_DISPATCH(BinaryGradient)(row, diff); }

}  // namespace swath::rows
#endif  // HWY_ONCE
