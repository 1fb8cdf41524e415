/// The last columns of a row, fewer than a vector has lanes. Highway's MaskedLoad and BlendedStore ask for
/// aligned pointers, and on some targets take them at their word or read whole vectors.
#include <hwy/highway.h>

#include <cstdint>

#if defined(SWATH_KERNELS_PARTIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SWATH_KERNELS_PARTIAL_INL_H_
#undef SWATH_KERNELS_PARTIAL_INL_H_
#else
#define SWATH_KERNELS_PARTIAL_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace swath::rows::HWY_NAMESPACE {

// These have instructions for it, which take any address.
#define SWATH_MASKS (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2)

/// p[0 … n) and zeros.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> LoadFirst(D d, const float* p, int64_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
#if SWATH_MASKS
  return hn::MaskedLoad(hn::FirstN(d, static_cast<size_t>(n)), d, p);
#else
  HWY_ALIGN float values[hn::MaxLanes(d)] = {};
  for (int64_t i = 0; i < n; ++i) values[i] = p[i];
  return hn::Load(d, values);
#endif
}

/// To p[0 … n).
template <class D>
HWY_INLINE void StoreFirst(hwy::HWY_NAMESPACE::Vec<D> v, D d, float* p, int64_t n) {
  namespace hn = hwy::HWY_NAMESPACE;
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
