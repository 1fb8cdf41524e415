#include "kernels/loss_rows.h"

#include <algorithm>
#include <cmath>

// The order of these lines is Highway's.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/loss_rows.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep: compiles this file again for every target

#include <hwy/highway.h>
#include "kernels/vectors-inl.h"
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace swath::rows::HWY_NAMESPACE {

/// Without fused multiply-adds the float32 one loses as much to its own roundings as a value has to lose.
HWY_INLINE V ExpOf(V v) {
#if HWY_NATIVE_FMA
  return hn::Exp(D(), v);
#else
  V64 halves[kHalves];
  for (int h = 0; h < kHalves; ++h) halves[h] = hn::Exp(D64(), HalfOf(v, h));
  return FromHalves(halves);
#endif
}

/// exp(-|z|), which never overflows.
HWY_INLINE V ExpBelow(V z) { return ExpOf(hn::Neg(hn::Abs(z))); }

void Exp(float* row, int64_t n) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) hn::StoreU(ExpOf(hn::LoadU(d, row + x)), d, row + x);
  if (x == n) return;
  StoreFirst(ExpOf(LoadFirst(d, row + x, n - x)), d, row + x, n - x);
}

void Sigmoid(const float* z, int64_t n, float* p) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V one = hn::Set(d, 1.0f);
  const auto of = [&](V v) HWY_ATTR {
    const V e = ExpBelow(v);
    return hn::Div(hn::IfThenElse(hn::Lt(v, hn::Zero(d)), e, one), hn::Add(one, e));
  };
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) hn::StoreU(of(hn::LoadU(d, z + x)), d, p + x);
  if (x < n) StoreFirst(of(LoadFirst(d, z + x, n - x)), d, p + x, n - x);
}

/// Adds up the logarithms of lanes in [1, 2], by the logarithm of a product, which is taken now and then.
struct LogTotal {
  static constexpr int kMostFactors = 512;  ///< the product stays far below 2^1024
  V64 product[kHalves];
  int factors = 0;
  double sum = 0;

  LogTotal() { Begin(); }
  HWY_INLINE void Add(const V64 (&lanes)[kHalves]) {
    for (int h = 0; h < kHalves; ++h) product[h] = hn::Mul(product[h], lanes[h]);
    if (++factors == kMostFactors) End();
  }
  double Sum() {
    End();
    return sum;
  }

 private:
  void Begin() {
    for (V64& half : product) half = hn::Set(D64(), 1.0);
    factors = 0;
  }
  void End() {
    HWY_ALIGN double lanes[hn::MaxLanes(D64())];
    for (const V64& half : product) {
      hn::Store(half, D64(), lanes);
      for (size_t i = 0; i < hn::Lanes(D64()); ++i) sum += std::log(lanes[i]);
    }
    Begin();
  }
};

/// Counts lanes, which costs less by lanes than all together.
struct Counter {
  using I = hn::RebindToSigned<D>;
  hn::Vec<I> lanes;

  HWY_INLINE Counter() : lanes(hn::Zero(I())) {}
  HWY_INLINE void Add(hn::Mask<D> mask) {
    lanes = hn::Sub(lanes, hn::BitCast(I(), hn::VecFromMask(D(), mask)));
  }
  int64_t Sum() const { return hn::GetLane(hn::SumOfLanes(I(), lanes)); }
};

/// The sums of a row, by vectors of columns. kOverlap: whether BinarySums::both and predicted are wanted.
template <bool kOverlap>
class BinaryTotals {
 public:
  using I = hn::RebindToSigned<D>;

  HWY_INLINE explicit BinaryTotals(const BinaryRow& row)
      : ignore_(hn::Set(I(), row.ignore)),
        one_weight_(row.weights[0] == row.weights[1]),
        weights_{row.weights[0], row.weights[1]} {}

  /// Over 1 + e: p and q as numbers that are exact, so that a quotient is rounded but once. Where all pixels
  /// are much alike so are their errors, which add up.
  struct Values {
    V p, q, diff;
    V64 inverse[kHalves];

    HWY_INLINE Values() {}  // as vectors of NEON have constructors, for functions of their target alone

    HWY_INLINE V Quotient(V numerator) const {
      V64 halves[kHalves];
      for (int h = 0; h < kHalves; ++h) halves[h] = hn::Mul(HalfOf(numerator, h), inverse[h]);
      return FromHalves(halves);
    }
  };
  /// e = exp(-|z|). Pixels with labels below 0 are outside the row.
  HWY_INLINE Values Add(V z, V e, hn::Vec<I> labels) {
    const D d;
    const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
    const auto inside = hn::Gt(labels, hn::Set(I(), -1));
    const auto counts = hn::RebindMask(d, hn::And(inside, hn::Ne(labels, ignore_)));
    const auto own = hn::And(counts, hn::RebindMask(d, hn::Eq(labels, hn::Set(I(), 1))));
    const auto positive = hn::Gt(z, zero);

    Values values;
    values.p = hn::IfThenElse(positive, one, e);
    values.q = hn::IfThenElse(positive, e, one);
    const V slope = hn::IfThenElseZero(counts, hn::IfThenElse(own, hn::Neg(values.q), values.p));
    const V64 whole = hn::Set(D64(), 1.0);
    V64 sum[kHalves], diff[kHalves];
    for (int h = 0; h < kHalves; ++h) {
      sum[h] = hn::Add(whole, HalfOf(e, h));
      values.inverse[h] = hn::Div(whole, sum[h]);
      const V64 numerator = HalfOf(slope, h);
      V64 weight = hn::Set(D64(), weights_[0]);
      if (!one_weight_)
        weight = hn::IfThenElse(hn::Lt(numerator, hn::Zero(D64())), hn::Set(D64(), weights_[1]), weight);
      diff[h] = hn::Mul(weight, hn::Mul(numerator, values.inverse[h]));
    }
    values.diff = FromHalves(diff);
    if constexpr (kOverlap) {
      const V both = hn::IfThenElseZero(own, values.p), predicted = hn::IfThenElseZero(counts, values.p);
      for (int h = 0; h < kHalves; ++h) {
        both_.sum[h] = hn::MulAdd(HalfOf(both, h), values.inverse[h], both_.sum[h]);
        predicted_.sum[h] = hn::MulAdd(HalfOf(predicted, h), values.inverse[h], predicted_.sum[h]);
      }
    }
    valid_.Add(counts);
    truth_.Add(own);
    hard_both_.Add(hn::And(own, positive));
    hard_predicted_.Add(hn::And(counts, positive));
    // -log p = log(1 + exp(-|z|)) + max(-z, 0), likewise the other one; as a maximum that keeps a NaN.
    const V wrong = hn::IfThenElse(own, hn::Neg(z), z),
            above = hn::IfThenElse(hn::Le(wrong, zero), zero, wrong);
    if (one_weight_ && hn::AllTrue(d, counts)) {
      tail_[0].Add(sum);
      above_[0].Add(above);
    } else {
      AddLoss(0, hn::AndNot(own, counts), e, above);
      AddLoss(1, own, e, above);
    }
    return values;
  }

  BinarySums Sums() {
    const int64_t valid = valid_.Sum(), truth = truth_.Sum();
    const double own = static_cast<double>(truth), other = static_cast<double>(valid - truth);
    BinarySums sums{.loss = 0,
                    .weight = weights_[0] * other + weights_[1] * own,
                    .valid = valid,
                    .truth = truth,
                    .both = both_.Sum(),
                    .predicted = predicted_.Sum(),
                    .hard_both = hard_both_.Sum(),
                    .hard_predicted = hard_predicted_.Sum()};
    for (int i = 0; i < 2; ++i) sums.loss += weights_[i] * (tail_[i].Sum() + above_[i].Sum());
    return sums;
  }

 private:
  HWY_INLINE void AddLoss(int weight, hn::Mask<D> lanes, V e, V above) {
    const V kept = hn::IfThenElseZero(lanes, e);
    V64 sum[kHalves];
    for (int h = 0; h < kHalves; ++h) sum[h] = hn::Add(hn::Set(D64(), 1.0), HalfOf(kept, h));
    tail_[weight].Add(sum);
    above_[weight].Add(hn::IfThenElseZero(lanes, above));
  }

  hn::Vec<I> ignore_;
  bool one_weight_;
  double weights_[2];
  LogTotal tail_[2];
  Total above_[2], both_, predicted_;
  Counter valid_, truth_, hard_both_, hard_predicted_;
};

template <bool kOverlap>
BinarySums BinaryLossOf(const BinaryRow& row, const BinaryResults& results) {
  using Totals = BinaryTotals<kOverlap>;
  const D d;
  const typename Totals::I di;
  const hn::Rebind<uint8_t, D> du;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  Totals totals(row);
  int64_t x = 0;
  // Exponentials are long chains of operations: by themselves, several are under way at once.
  constexpr int64_t kColumns = 512;
  HWY_ALIGN float e[kColumns];
  while (x + lanes <= row.n) {
    const int64_t begin = x, end = std::min(row.n / lanes * lanes, x + kColumns);
    for (int64_t i = begin; i < end; i += lanes)
      hn::Store(ExpBelow(hn::LoadU(d, row.z + i)), d, e + i - begin);
    for (; x < end; x += lanes) {
      const auto values = totals.Add(hn::LoadU(d, row.z + x), hn::Load(d, e + x - begin),
                                     hn::PromoteTo(di, hn::LoadU(du, row.labels + x)));
      if (results.p) hn::StoreU(values.Quotient(values.p), d, results.p + x);
      if (results.q) hn::StoreU(values.Quotient(values.q), d, results.q + x);
      if (results.diff) hn::StoreU(values.diff, d, results.diff + x);
    }
  }
  if (x == row.n) return totals.Sums();
  HWY_ALIGN float z[hn::MaxLanes(d)] = {};
  HWY_ALIGN int32_t labels[hn::MaxLanes(d)];
  for (int64_t i = 0; i < lanes; ++i) {
    labels[i] = x + i < row.n ? row.labels[x + i] : -2;
    if (x + i < row.n) z[i] = row.z[x + i];
  }
  const auto values = totals.Add(hn::Load(d, z), ExpBelow(hn::Load(d, z)), hn::Load(di, labels));
  if (results.p) StoreFirst(values.Quotient(values.p), d, results.p + x, row.n - x);
  if (results.q) StoreFirst(values.Quotient(values.q), d, results.q + x, row.n - x);
  if (results.diff) StoreFirst(values.diff, d, results.diff + x, row.n - x);
  return totals.Sums();
}

BinarySums BinaryLoss(const BinaryRow& row, const BinaryResults& results) {
  return row.overlap ? BinaryLossOf<true>(row, results) : BinaryLossOf<false>(row, results);
}

}  // namespace swath::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::rows {

HWY_EXPORT(Exp);
HWY_EXPORT(Sigmoid);
HWY_EXPORT(BinaryLoss);

void Exp(float* row, int64_t n) { HWY_DYNAMIC_DISPATCH(Exp)(row, n); }
void Sigmoid(const float* z, int64_t n, float* p) { HWY_DYNAMIC_DISPATCH(Sigmoid)(z, n, p); }
BinarySums BinaryLoss(const BinaryRow& row, const BinaryResults& results) {
  return HWY_DYNAMIC_DISPATCH(BinaryLoss)(row, results);
}

}  // namespace swath::rows
#endif  // HWY_ONCE
