/// What the SIMD loops share, for one target: vectors of float32 and of doubles, the way from one to the
/// other, and the ends of rows.
#include <hwy/highway.h>

#include <cstdint>

#if defined(SWATH_KERNELS_VECTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SWATH_KERNELS_VECTORS_INL_H_
#undef SWATH_KERNELS_VECTORS_INL_H_
#else
#define SWATH_KERNELS_VECTORS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace swath::rows::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
using D64 = hn::ScalableTag<double>;
using V64 = hn::Vec<D64>;

/// A float vector in doubles; one lane has no halves.
#if HWY_TARGET == HWY_SCALAR
constexpr int kHalves = 1;
HWY_INLINE V64 HalfOf(V v, int) { return hn::PromoteTo(D64(), v); }
HWY_INLINE V FromHalves(const V64* halves) { return hn::DemoteTo(D(), halves[0]); }
#else
constexpr int kHalves = 2;
HWY_INLINE V64 HalfOf(V v, int half) {
  const hn::Half<D> d;
  return hn::PromoteTo(D64(), half == 0 ? hn::LowerHalf(d, v) : hn::UpperHalf(d, v));
}
HWY_INLINE V FromHalves(const V64* halves) {
  const hn::Half<D> d;
  return hn::Combine(D(), hn::DemoteTo(d, halves[1]), hn::DemoteTo(d, halves[0]));
}
#endif

/// Adds up the lanes of float vectors, in doubles.
struct Total {
  V64 sum[kHalves];

  HWY_INLINE Total() {
    for (V64& half : sum) half = hn::Zero(D64());
  }
  HWY_INLINE void Add(V v) {
    for (int h = 0; h < kHalves; ++h) sum[h] = hn::Add(sum[h], HalfOf(v, h));
  }
  HWY_INLINE double Sum() const {
    V64 all = sum[0];
    for (int h = 1; h < kHalves; ++h) all = hn::Add(all, sum[h]);
    return hn::GetLane(hn::SumOfLanes(D64(), all));
  }
};

// The last columns of a row, fewer than a vector has lanes. Highway's MaskedLoad and BlendedStore ask for
// aligned pointers, and on some targets take them at their word or read whole vectors. These have
// instructions for it, which take any address.
#define SWATH_MASKS (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)

/// p[0 … n) and zeros.
template <class Tag>
HWY_INLINE hn::Vec<Tag> LoadFirst(Tag d, const float* p, int64_t n) {
#if SWATH_MASKS
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN float values[hn::MaxLanes(d)] = {};
  for (int64_t i = 0; i < n; ++i) values[i] = p[i];
  return hn::Load(d, values);
#endif
}

/// To p[0 … n).
template <class Tag>
HWY_INLINE void StoreFirst(hn::Vec<Tag> v, Tag d, float* p, int64_t n) {
#if SWATH_MASKS
  hn::BlendedStore(v, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN float values[hn::MaxLanes(d)];
  hn::Store(v, d, values);
  for (int64_t i = 0; i < n; ++i) p[i] = values[i];
#endif
}

#undef SWATH_MASKS

}  // namespace swath::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
