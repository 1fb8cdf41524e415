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

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET >= HWY_SSE4
constexpr int kRegisters = 16;
#else
constexpr int kRegisters = 32;
#endif

/// The same value; the compiler may not load it again for each of its uses, which GCC does where registers
/// are scarce, though loading is what takes time.
template <class Vector>
HWY_INLINE Vector InRegister(Vector v) {
#if HWY_ARCH_X86 && HWY_COMPILER_GCC_ACTUAL && HWY_TARGET != HWY_SCALAR
  __asm__("" : "+v"(v.raw));
#endif
  return v;
}

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

#if HWY_TARGET != HWY_SCALAR
/// The lanes of a vector of blocks of four, added up by their place in the block.
template <class Blocks>
HWY_INLINE hn::Vec<hn::FixedTag<float, 4>> AddBlocks(Blocks d, hn::Vec<Blocks> v) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return v;
  } else {
    const hn::Half<Blocks> half;
    return AddBlocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

/// sums[i] += v[i] for the four lanes of v, in vectors of up to four doubles.
template <class Doubles>
HWY_INLINE void AddFour(Doubles d, hn::Vec<hn::FixedTag<float, 4>> v, double* sums) {
  if constexpr (hn::MaxLanes(d) == 4) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums), hn::PromoteTo(d, v)), d, sums);
  } else {
    HWY_ALIGN float sum[4];
    hn::Store(v, hn::FixedTag<float, 4>(), sum);
    for (int i = 0; i < 4; ++i) sums[i] += static_cast<double>(sum[i]);
  }
}
#endif

/// sums[i] += the lanes of v[i].
template <int kCount>
HWY_INLINE void AddLanes(const V64 (&v)[kCount], double* sums) {
  for (int i = 0; i < kCount; ++i) sums[i] += hn::GetLane(hn::SumOfLanes(D64(), v[i]));
}
#if HWY_TARGET == HWY_SCALAR
template <int kCount>
HWY_INLINE void AddLanes(const V (&v)[kCount], double* sums) {
  for (int i = 0; i < kCount; ++i) sums[i] += static_cast<double>(hn::GetLane(v[i]));
}
#else
/// sums[i] += the lanes of v[i]: four vectors become one of their sums in float32, two lanes at a time, which
/// is exact where lanes are equal, as over empty glass.
template <int kCount>
HWY_INLINE void AddLanes(const V (&v)[kCount], double* sums) {
  const D d;
  const hn::Repartition<double, D> pairs;
  const auto add_lanes = [d](V a, V b) HWY_ATTR {
    return hn::Add(hn::InterleaveLower(d, a, b), hn::InterleaveUpper(d, a, b));
  };
  for (int i = 0; i < kCount; i += 4) {
    const auto at = [&](int j) HWY_ATTR { return i + j < kCount ? v[i + j] : hn::Zero(d); };
    const auto ab = hn::BitCast(pairs, add_lanes(at(0), at(1))),
               cd = hn::BitCast(pairs, add_lanes(at(2), at(3)));
    const V abcd = hn::Add(hn::BitCast(d, hn::InterleaveLower(pairs, ab, cd)),
                           hn::BitCast(d, hn::InterleaveUpper(pairs, ab, cd)));
    const auto sum = AddBlocks(d, abcd);
    if (i + 4 <= kCount) {
      AddFour(hn::CappedTag<double, 4>(), sum, sums + i);
    } else {
      double last[4] = {};
      AddFour(hn::CappedTag<double, 4>(), sum, last);
      for (int j = 0; i + j < kCount; ++j) sums[i + j] += last[j];
    }
  }
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
