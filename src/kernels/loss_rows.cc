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

void Exp(float* row, int64_t n) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) hn::StoreU(hn::Exp(d, hn::LoadU(d, row + x)), d, row + x);
  if (x == n) return;
  StoreFirst(hn::Exp(d, LoadFirst(d, row + x, n - x)), d, row + x, n - x);
}

/// Adds up log(1 + e) of lanes, e in [0, 1], by the logarithm of a product, which is taken now and then.
struct LogTotal {
  static constexpr int kMostFactors = 512;  ///< each at most 2: the product stays far below 2^1024
  V64 product[kHalves];
  int factors = 0;
  double sum = 0;

  LogTotal() { Begin(); }
  HWY_INLINE void Add(V e) {
    for (int h = 0; h < kHalves; ++h)
      product[h] = hn::Mul(product[h], hn::Add(hn::Set(D64(), 1.0), HalfOf(e, h)));
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

/// The sums of a row, by vectors of columns.
class BinaryTotals {
 public:
  explicit BinaryTotals(const BinaryRow& row)
      : ignore_(hn::Set(I(), row.ignore)),
        one_weight_(row.weights[0] == row.weights[1]),
        weights_{row.weights[0], row.weights[1]} {}

  using I = hn::RebindToSigned<D>;

  struct Values {
    V p, q, diff;
  };
  /// e = exp(-|z|). Pixels with labels below 0 are outside the row.
  HWY_INLINE Values Add(V z, V e, hn::Vec<I> labels) {
    const D d;
    const V zero = hn::Zero(d), one = hn::Set(d, 1.0f);
    const auto inside = hn::Gt(labels, hn::Set(I(), -1));
    const auto counts = hn::RebindMask(d, hn::And(inside, hn::Ne(labels, ignore_)));
    const auto own = hn::And(counts, hn::RebindMask(d, hn::Eq(labels, hn::Set(I(), 1))));
    const auto positive = hn::Gt(z, zero);

    const V larger = hn::Div(one, hn::Add(one, e)), smaller = hn::Mul(e, larger);
    const V p = hn::IfThenElse(positive, larger, smaller), q = hn::IfThenElse(positive, smaller, larger);

    both_.Add(hn::IfThenElseZero(own, p));
    predicted_.Add(hn::IfThenElseZero(counts, p));
    valid_ += Count(counts);
    truth_ += Count(own);
    hard_both_ += Count(hn::And(own, positive));
    hard_predicted_ += Count(hn::And(counts, positive));
    // -log p = log(1 + exp(-|z|)) + max(-z, 0), likewise the other one; as a maximum that keeps a NaN.
    const V wrong = hn::IfThenElse(own, hn::Neg(z), z),
            above = hn::IfThenElse(hn::Le(wrong, zero), zero, wrong);
    if (one_weight_) {
      AddLoss(0, hn::IfThenElseZero(counts, e), hn::IfThenElseZero(counts, above));
    } else {
      const auto other = hn::AndNot(own, counts);
      AddLoss(0, hn::IfThenElseZero(other, e), hn::IfThenElseZero(other, above));
      AddLoss(1, hn::IfThenElseZero(own, e), hn::IfThenElseZero(own, above));
    }
    const V slope = hn::IfThenElseZero(counts, hn::IfThenElse(own, hn::Neg(q), p));
    V64 diff[kHalves];
    for (int h = 0; h < kHalves; ++h) {
      const V64 weight = hn::IfThenElse(hn::Lt(HalfOf(slope, h), hn::Zero(D64())),
                                        hn::Set(D64(), weights_[1]), hn::Set(D64(), weights_[0]));
      diff[h] = hn::Mul(weight, HalfOf(slope, h));
    }
    return {p, q, FromHalves(diff)};
  }

  BinarySums Sums() {
    const double own = static_cast<double>(truth_), other = static_cast<double>(valid_ - truth_);
    BinarySums sums{.loss = 0,
                    .weight = weights_[0] * other + weights_[1] * own,
                    .valid = valid_,
                    .truth = truth_,
                    .both = both_.Sum(),
                    .predicted = predicted_.Sum(),
                    .hard_both = hard_both_,
                    .hard_predicted = hard_predicted_};
    for (int i = 0; i < 2; ++i) sums.loss += weights_[i] * (tail_[i].Sum() + above_[i].Sum());
    return sums;
  }

 private:
  static HWY_INLINE int64_t Count(hn::Mask<D> mask) { return static_cast<int64_t>(hn::CountTrue(D(), mask)); }
  HWY_INLINE void AddLoss(int weight, V e, V above) {
    tail_[weight].Add(e);
    above_[weight].Add(above);
  }

  hn::Vec<I> ignore_;
  bool one_weight_;
  double weights_[2];
  LogTotal tail_[2];
  Total above_[2], both_, predicted_;
  int64_t valid_ = 0, truth_ = 0, hard_both_ = 0, hard_predicted_ = 0;
};

BinarySums BinaryLoss(const BinaryRow& row, const BinaryResults& results) {
  const D d;
  const BinaryTotals::I di;
  const hn::Rebind<uint8_t, D> du;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  BinaryTotals totals(row);
  int64_t x = 0;
  // Exponentials are long chains of operations: by themselves, several are under way at once.
  constexpr int64_t kColumns = 512;
  HWY_ALIGN float e[kColumns];
  const auto exp = [d](V z) HWY_ATTR { return hn::Exp(d, hn::Neg(hn::Abs(z))); };  // never overflows
  while (x + lanes <= row.n) {
    const int64_t begin = x, end = std::min(row.n / lanes * lanes, x + kColumns);
    for (int64_t i = begin; i < end; i += lanes) hn::Store(exp(hn::LoadU(d, row.z + i)), d, e + i - begin);
    for (; x < end; x += lanes) {
      const auto [p, q, diff] = totals.Add(hn::LoadU(d, row.z + x), hn::Load(d, e + x - begin),
                                           hn::PromoteTo(di, hn::LoadU(du, row.labels + x)));
      if (results.p) hn::StoreU(p, d, results.p + x);
      if (results.q) hn::StoreU(q, d, results.q + x);
      if (results.diff) hn::StoreU(diff, d, results.diff + x);
    }
  }
  if (x == row.n) return totals.Sums();
  HWY_ALIGN float z[hn::MaxLanes(d)] = {};
  HWY_ALIGN int32_t labels[hn::MaxLanes(d)];
  for (int64_t i = 0; i < lanes; ++i) {
    labels[i] = x + i < row.n ? row.labels[x + i] : -2;
    if (x + i < row.n) z[i] = row.z[x + i];
  }
  const auto [p, q, diff] = totals.Add(hn::Load(d, z), exp(hn::Load(d, z)), hn::Load(di, labels));
  if (results.p) StoreFirst(p, d, results.p + x, row.n - x);
  if (results.q) StoreFirst(q, d, results.q + x, row.n - x);
  if (results.diff) StoreFirst(diff, d, results.diff + x, row.n - x);
  return totals.Sums();
}

}  // namespace swath::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::rows {

HWY_EXPORT(Exp);
HWY_EXPORT(BinaryLoss);

void Exp(float* row, int64_t n) { HWY_DYNAMIC_DISPATCH(Exp)(row, n); }
BinarySums BinaryLoss(const BinaryRow& row, const BinaryResults& results) {
  return HWY_DYNAMIC_DISPATCH(BinaryLoss)(row, results);
}

}  // namespace swath::rows
#endif  // HWY_ONCE
