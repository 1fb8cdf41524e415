#include "kernels/rows.h"

#include <hwy/cache_control.h>

#include <algorithm>

// The order of these lines is Highway's.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rows.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep: compiles this file again for every target

#include <hwy/highway.h>
#include "kernels/vectors-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace swath::rows::HWY_NAMESPACE {

/// What sums are kept in: vectors of float32 or of doubles, with as many columns as lanes.
template <class Value>
struct Accumulator;
template <>
struct Accumulator<float> {
  using Lanes = D;
  using Columns = D;  ///< float32, as many as lanes
  static HWY_INLINE V Promote(V v) { return v; }
  static HWY_INLINE V Demote(V v) { return v; }
};
template <>
struct Accumulator<double> {
  using Lanes = D64;
  using Columns = hn::Rebind<float, D64>;
  static HWY_INLINE V64 Promote(hn::Vec<Columns> v) { return hn::PromoteTo(D64(), v); }
  static HWY_INLINE hn::Vec<Columns> Demote(V64 v) { return hn::DemoteTo(Columns(), v); }
};

constexpr int64_t kLine = 16;       ///< values that are fetched at once
constexpr int64_t kDstAhead = 256;  ///< columns that dst is fetched ahead of its use

/// Columns of a correlation that are in registers at once: kVectors vectors from x on; `lanes` < Lanes(d)
/// only where kVectors is 1.
template <class Weight, int kOutputs, int kVectors>
struct CorrelateTile {
  using A = Accumulator<Weight>;
  using Lanes = typename A::Lanes;
  using Columns = typename A::Columns;
  using Vector = hn::Vec<Lanes>;

  int64_t ahead;  ///< columns that are fetched before they are needed
  int64_t step, pitch;
  int64_t lanes = 0;
  int64_t x = 0;
  Vector sum[kOutputs][kVectors] = {};  ///< of the runs so far, where there are several

  HWY_INLINE Vector Load(const float* row, int v) const {
    const Columns d;
    if (kVectors == 1 && lanes < static_cast<int64_t>(hn::Lanes(d)))
      return A::Promote(LoadFirst(d, row + x, lanes));
    return A::Promote(hn::LoadU(d, row + x + v * hn::Lanes(d)));
  }
  HWY_INLINE void Store(Vector value, float* row, int v) const {
    const Columns d;
    if (kVectors == 1 && lanes < static_cast<int64_t>(hn::Lanes(d))) {
      StoreFirst(A::Demote(value), d, row + x, lanes);
    } else {
      hn::StoreU(A::Demote(value), d, row + x + v * hn::Lanes(d));
    }
  }

  /// f(output, vector) for all of the tile; unrolled, or what f touches would not stay in registers.
  template <class F>
  static HWY_INLINE void ForEach(F&& f) {
#pragma GCC unroll 4
    for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 24
      for (int v = 0; v < kVectors; ++v) f(o, v);
    }
  }

  /// Adds a run of taps: the first one to the bias or to what is in dst, term by term; the last one stores
  /// the sums in dst. Where there is but one, sums stay in registers.
  HWY_INLINE void Add(const Weight* all, const Tap* taps, const Tap* end, bool first, bool last,
                      const float* bias, float* const* dst) {
    const Lanes d;
    Vector part[kOutputs][kVectors];
    if (!first) {
      ForEach([&](int o, int v) HWY_ATTR { part[o][v] = hn::Zero(d); });
    } else if (bias) {
      ForEach([&](int o, int v) HWY_ATTR { part[o][v] = hn::Set(d, hn::TFromD<Lanes>(bias[o])); });
    } else {
      ForEach([&](int o, int v) HWY_ATTR { part[o][v] = Load(dst[o], v); });
    }
    for (const Tap* tap = taps; tap < end; ++tap) {
      const float *row = tap->src, *fetch = row + ahead;
      const Weight* weights = all + tap->weight;
      for (int64_t i = 0; i < tap->count; ++i, row += step, weights += pitch) {
        // The rows are more than the processor keeps track of. Terms share a row's cache lines out.
        hwy::Prefetch(fetch + x);
        fetch += kLine;
        // What is used most often stays in registers: the sums, and the fewer of weights and sources.
        if constexpr (kOutputs <= kVectors) {
          Vector weight[kOutputs];
          for (int o = 0; o < kOutputs; ++o) weight[o] = InRegister(hn::Set(d, weights[o]));
          for (int v = 0; v < kVectors; ++v) {
            const Vector src = InRegister(Load(row, v));
            for (int o = 0; o < kOutputs; ++o) part[o][v] = hn::MulAdd(weight[o], src, part[o][v]);
          }
        } else {
          Vector src[kVectors];
          for (int v = 0; v < kVectors; ++v) src[v] = InRegister(Load(row, v));
          for (int o = 0; o < kOutputs; ++o) {
            const Vector weight = hn::Set(d, weights[o]);
            for (int v = 0; v < kVectors; ++v) part[o][v] = hn::MulAdd(weight, src[v], part[o][v]);
          }
        }
      }
    }
    if (!first) ForEach([&](int o, int v) HWY_ATTR { part[o][v] = hn::Add(sum[o][v], part[o][v]); });
    if (last) {
      ForEach([&](int o, int v) HWY_ATTR { Store(part[o][v], dst[o], v); });
    } else {
      ForEach([&](int o, int v) HWY_ATTR { sum[o][v] = part[o][v]; });
    }
  }

  HWY_INLINE void Compute(int64_t first_column, const Taps<Weight>& taps, const float* bias,
                          float* const* dst) {
    x = first_column;
    for (int o = 0; o < kOutputs && !bias; ++o) {
      for (int64_t i = 0; i < kVectors * lanes; i += kLine) hwy::Prefetch(dst[o] + x + kDstAhead + i);
    }
    const Tap* tap = taps.taps.data();
    for (const int64_t& run : taps.runs) {
      const Tap* end = tap + run;
      Add(taps.weights, tap, end, &run == &taps.runs.front(), &run == &taps.runs.back(), bias, dst);
      tap = end;
    }
  }
};

template <class Weight, int kOutputs>
void CorrelateOutputs(const Taps<Weight>& taps, const float* bias, float* const* dst, Range columns) {
  if (taps.runs.empty()) {
    for (int o = 0; o < kOutputs && bias; ++o)
      std::fill(dst[o] + columns.begin, dst[o] + columns.end, bias[o]);
    return;
  }
  constexpr int kVectors = std::min((kRegisters - 4) / kOutputs, 24 / kOutputs);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(typename Accumulator<Weight>::Lanes())),
                width = kVectors * lanes;
  // Far enough ahead, and near enough for what has been fetched to stay in the nearest cache.
  const int64_t ahead = std::clamp<int64_t>(4096 / static_cast<int64_t>(taps.taps.size() + 1), 48, 256);
  int64_t x = columns.begin;
  CorrelateTile<Weight, kOutputs, kVectors> tile{
      .ahead = ahead, .step = taps.step, .pitch = taps.pitch, .lanes = lanes};
  for (; x + width <= columns.end; x += width) tile.Compute(x, taps, bias, dst);
  CorrelateTile<Weight, kOutputs, 1> last{.ahead = ahead, .step = taps.step, .pitch = taps.pitch};
  for (; x < columns.end; x += lanes) {
    last.lanes = std::min(lanes, columns.end - x);
    last.Compute(x, taps, bias, dst);
  }
}

template <class Weight>
void CorrelateAny(const Taps<Weight>& taps, int64_t outputs, const float* bias, float* const* dst,
                  Range columns) {
  switch (outputs) {
    case 1:
      return CorrelateOutputs<Weight, 1>(taps, bias, dst, columns);
    case 2:
      return CorrelateOutputs<Weight, 2>(taps, bias, dst, columns);
    case 3:
      return CorrelateOutputs<Weight, 3>(taps, bias, dst, columns);
    default:
      return CorrelateOutputs<Weight, 4>(taps, bias, dst, columns);
  }
}

void CorrelateFloats(const Taps<float>& taps, int64_t outputs, const float* bias, float* const* dst,
                     Range columns) {
  CorrelateAny(taps, outputs, bias, dst, columns);
}
void CorrelateDoubles(const Taps<double>& taps, int64_t outputs, const float* bias, float* const* dst,
                      Range columns) {
  CorrelateAny(taps, outputs, bias, dst, columns);
}

/// Sums of products of kSources rows and kOutputs rows, in registers.
template <class Partial, int kSources, int kOutputs>
struct DotTile {
  using A = Accumulator<Partial>;
  using Columns = typename A::Columns;
  using Vector = hn::Vec<typename A::Lanes>;

  const float* const* src;
  const float* const* diff;
  Vector sum[kSources * kOutputs];

  /// Leaves the sums as they are: to set them to zero takes time, and Compute begins them.
  HWY_INLINE DotTile(const float* const* src_rows, const float* const* diff_rows)
      : src(src_rows), diff(diff_rows) {}

  /// Products of the first `lanes` columns from x on, which begin the sums or are added to them.
  template <bool kBegins>
  HWY_INLINE void Add(int64_t x, int64_t lanes) {
    const Columns d;
    const auto load = [&](const float* row) HWY_ATTR {
      return A::Promote(lanes < static_cast<int64_t>(hn::Lanes(d)) ? LoadFirst(d, row + x, lanes)
                                                                   : hn::LoadU(d, row + x));
    };
    const auto multiply = [&](int t, int o, Vector a, Vector b) HWY_ATTR {
      Vector& to = sum[t * kOutputs + o];
      to = kBegins ? hn::Mul(a, b) : hn::MulAdd(a, b, to);
    };
    // The fewer stay in registers.
    if constexpr (kOutputs <= kSources) {
      Vector b[kOutputs];
      for (int o = 0; o < kOutputs; ++o) b[o] = InRegister(load(diff[o]));
      for (int t = 0; t < kSources; ++t) {
        const Vector a = InRegister(load(src[t]));
        for (int o = 0; o < kOutputs; ++o) multiply(t, o, a, b[o]);
      }
    } else {
      Vector a[kSources];
      for (int t = 0; t < kSources; ++t) a[t] = InRegister(load(src[t]));
      for (int o = 0; o < kOutputs; ++o) {
        const Vector b = InRegister(load(diff[o]));
        for (int t = 0; t < kSources; ++t) multiply(t, o, a[t], b);
      }
    }
  }

  /// Columns [begin, end), one after the other in every lane.
  HWY_INLINE void Compute(int64_t begin, int64_t end) {
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(Columns()));
    if (begin + lanes > end) return Add<true>(begin, end - begin);
    int64_t x = begin;
    Add<true>(x, lanes);
    for (x += lanes; x + lanes <= end; x += lanes) Add<false>(x, lanes);
    if (x < end) Add<false>(x, end - x);
  }
};

/// sums[t · kOutputs + o] += Σ_x src[t][x] · diff[o][x]  for x in [begin, end).
template <class Partial, int kSources, int kOutputs>
HWY_INLINE void DotColumns(const float* const* src, const float* const* diff, int64_t begin, int64_t end,
                           double* sums) {
  const int64_t columns =
      kColumnTermsAtOnce * static_cast<int64_t>(hn::Lanes(typename Accumulator<Partial>::Lanes()));
  for (int64_t x = begin; x < end; x += columns) {
    DotTile<Partial, kSources, kOutputs> tile(src, diff);
    tile.Compute(x, std::min(end, x + columns));
    AddLanes(tile.sum, sums);
  }
}

/// The most sources of a tile whose sums are all in registers, beside the fewer of its rows and one of the
/// others; more than a dozen would gain nothing.
constexpr int MostDotSources(int outputs) {
  int sources = 12;
  while (sources * outputs + std::min(sources, outputs) + 1 > kRegisters) --sources;
  return sources;
}

/// DotColumns for the first `sources` rows, at most kMost.
template <class Partial, int kMost, int kOutputs>
HWY_INLINE void DotSources(int64_t sources, const float* const* src, const float* const* diff, int64_t begin,
                           int64_t end, double* sums) {
  if (sources == kMost) return DotColumns<Partial, kMost, kOutputs>(src, diff, begin, end, sums);
  if constexpr (kMost > 1) DotSources<Partial, kMost - 1, kOutputs>(sources, src, diff, begin, end, sums);
}

template <class Partial, int kOutputs>
void DotOutputs(std::span<const float* const> src, const float* const* diff, Range columns, double* sums) {
  // Tiles are of one size, or nearly: few sums would wait for each other.
  constexpr int kMost = MostDotSources(kOutputs);
  const int64_t count = static_cast<int64_t>(src.size()), tiles = (count + kMost - 1) / kMost;
  // Columns whose rows stay in the cache while the sources take turns.
  constexpr int64_t kColumns = 1024;
  for (int64_t begin = columns.begin; begin < columns.end; begin += kColumns) {
    const int64_t end = std::min(columns.end, begin + kColumns);
    for (int64_t i = 0; i < tiles; ++i) {
      const int64_t t = count * i / tiles;
      DotSources<Partial, kMost, kOutputs>(count * (i + 1) / tiles - t, src.data() + t, diff, begin, end,
                                           sums + t * kOutputs);
    }
  }
}

template <class Partial>
void DotAny(std::span<const float* const> src, std::span<const float* const> diff, Range columns,
            double* sums) {
  switch (diff.size()) {
    case 1:
      return DotOutputs<Partial, 1>(src, diff.data(), columns, sums);
    case 2:
      return DotOutputs<Partial, 2>(src, diff.data(), columns, sums);
    case 3:
      return DotOutputs<Partial, 3>(src, diff.data(), columns, sums);
    default:
      return DotOutputs<Partial, 4>(src, diff.data(), columns, sums);
  }
}

void DotFloats(std::span<const float* const> src, std::span<const float* const> diff, Range columns,
               double* sums) {
  DotAny<float>(src, diff, columns, sums);
}
void DotDoubles(std::span<const float* const> src, std::span<const float* const> diff, Range columns,
                double* sums) {
  DotAny<double>(src, diff, columns, sums);
}

/// Whether n values are the same bits.
bool SameBits(const float* a, const float* b, int64_t n) {
  const hn::ScalableTag<uint32_t> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const uint32_t *p = reinterpret_cast<const uint32_t*>(a), *q = reinterpret_cast<const uint32_t*>(b);
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    if (!hn::AllTrue(d, hn::Eq(hn::LoadU(d, p + x), hn::LoadU(d, q + x)))) return false;
  }
  for (; x < n; ++x) {
    if (p[x] != q[x]) return false;
  }
  return true;
}

void KeepRepeats(std::span<const float* const> rows, int64_t n, int64_t block, std::span<uint8_t> repeats) {
  repeats[0] = 0;
  for (int64_t i = 1; i < n / block; ++i) {
    uint8_t& kept = repeats[static_cast<size_t>(i)];
    for (size_t r = 0; kept && r < rows.size(); ++r) {
      const float* row = rows[r] + i * block;
      kept = SameBits(row, row - block, block);
    }
  }
}

double Sum(const float* row, int64_t n) {
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Several at once, since an addition has to wait for the one before.
  constexpr int kTotals = 4;
  Total totals[kTotals];
  int64_t x = 0;
  for (; x + kTotals * lanes <= n; x += kTotals * lanes) {
    for (int i = 0; i < kTotals; ++i) totals[i].Add(hn::LoadU(d, row + x + i * lanes));
  }
  for (; x + lanes <= n; x += lanes) totals[0].Add(hn::LoadU(d, row + x));
  if (x < n) totals[0].Add(LoadFirst(d, row + x, n - x));
  double sum = 0;
  for (const Total& total : totals) sum += total.Sum();
  return sum;
}

#if HWY_TARGET != HWY_SCALAR
/// The bits of values rounded to bfloat16, and others after them. Highway's own conversion to its bfloat16_t
/// does not round.
template <class Floats>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<Floats>> RoundedBits(Floats, hn::Vec<Floats> value) {
  const hn::RebindToUnsigned<Floats> d;
  const auto bits = hn::BitCast(d, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1));
  const auto rounded = hn::Add(hn::Add(bits, hn::Set(d, 0x7fff)), odd);
  return hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(value)), hn::Or(bits, hn::Set(d, 0x400000)), rounded);
}

template <class Floats>
HWY_INLINE void StoreRounded(Floats d, hn::Vec<Floats> value, BFloat16* dst) {
  const hn::Rebind<uint16_t, Floats> half;
  const auto high = hn::BitCast(hn::RebindToSigned<Floats>(), hn::ShiftRight<16>(RoundedBits(d, value)));
  hn::StoreU(hn::DemoteTo(half, high), half, reinterpret_cast<uint16_t*>(dst));
}
#endif

// Columns at a time, so that what is read or written across stays in the cache.
constexpr int64_t kTransposedColumns = 64;

HWY_INLINE void Assign(float value, float* dst) { *dst = value; }
HWY_INLINE void Assign(float value, BFloat16* dst) { *dst = ToBFloat16(value); }

#if HWY_TARGET != HWY_SCALAR
using D4 = hn::FixedTag<float, 4>;
using V4 = hn::Vec<D4>;

HWY_INLINE void StoreFour(V4 v, float* dst) { hn::StoreU(v, D4(), dst); }
HWY_INLINE void StoreFour(V4 v, BFloat16* dst) { StoreRounded(D4(), v, dst); }

/// Four rows of four become four columns.
HWY_INLINE void Transpose(V4 (&v)[4]) {
  const D4 d;
  const hn::Repartition<double, D4> pairs;
  const auto low = [&](V4 a, V4 b) HWY_ATTR { return hn::BitCast(pairs, hn::InterleaveLower(d, a, b)); };
  const auto high = [&](V4 a, V4 b) HWY_ATTR { return hn::BitCast(pairs, hn::InterleaveUpper(d, a, b)); };
  const auto low_a = low(v[0], v[1]), low_b = low(v[2], v[3]), high_a = high(v[0], v[1]),
             high_b = high(v[2], v[3]);
  v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low_a, low_b));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low_a, low_b));
  v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high_a, high_b));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high_a, high_b));
}

/// v + sum[0 … 4), in vectors of up to four doubles.
template <class Doubles>
HWY_INLINE V4 AddSums(Doubles d, V4 v, const double* sum) {
  if constexpr (hn::MaxLanes(d) == 4) {
    return hn::DemoteTo(D4(), hn::Add(hn::PromoteTo(d, v), hn::LoadU(d, sum)));
  } else {
    const hn::Half<D4> half;
    const auto add = [&](auto floats, const double* to) HWY_ATTR {
      return hn::DemoteTo(half, hn::Add(hn::PromoteTo(d, floats), hn::LoadU(d, to)));
    };
    return hn::Combine(D4(), add(hn::UpperHalf(half, v), sum + 2), add(hn::LowerHalf(half, v), sum));
  }
}
#endif

template <class To>
HWY_INLINE void InterleaveTo(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch,
                             To* dst) {
  const int64_t channels = static_cast<int64_t>(src.size());
  for (int64_t first = 0; first < n; first += kTransposedColumns) {
    const int64_t last = std::min(n, first + kTransposedColumns);
    int64_t c = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; c + 4 <= channels; c += 4) {
      const float* const* rows = src.data() + c;
      int64_t x = first;
      for (; x + 4 <= last; x += 4) {
        V4 v[4];
        for (int i = 0; i < 4; ++i) v[i] = hn::LoadU(D4(), rows[i] + begin + x);
        Transpose(v);
        for (int i = 0; i < 4; ++i) StoreFour(v[i], dst + (x + i) * pitch + c);
      }
      for (; x < last; ++x) {
        for (int i = 0; i < 4; ++i) Assign(rows[i][begin + x], dst + x * pitch + c + i);
      }
    }
#endif
    for (; c < channels; ++c) {
      const float* row = src[static_cast<size_t>(c)] + begin;
      for (int64_t x = first; x < last; ++x) Assign(row[x], dst + x * pitch + c);
    }
  }
}

void InterleaveFloats(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch,
                      float* dst) {
  InterleaveTo(src, begin, n, pitch, dst);
}
void InterleaveRounded(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch,
                       BFloat16* dst) {
  InterleaveTo(src, begin, n, pitch, dst);
}

void AddInterleaved(const double* sum, std::span<float* const> dst, const float* bias, int64_t n) {
  const int64_t channels = static_cast<int64_t>(dst.size());
  const auto add = [&](int64_t c, int64_t begin, int64_t end) {
    float* row = dst[static_cast<size_t>(c)];
    for (int64_t x = begin; row && x < end; ++x)
      row[x] = static_cast<float>(static_cast<double>(bias ? bias[c] : row[x]) + sum[x * channels + c]);
  };
  for (int64_t first = 0; first < n; first += kTransposedColumns) {
    const int64_t last = std::min(n, first + kTransposedColumns);
    int64_t c = 0;
#if HWY_TARGET != HWY_SCALAR
    for (; c + 4 <= channels; c += 4) {
      float* const* rows = dst.data() + c;
      const bool all = std::find(rows, rows + 4, nullptr) == rows + 4;
      int64_t x = first;
      for (; all && x + 4 <= last; x += 4) {
        V4 v[4];
        for (int i = 0; i < 4; ++i) v[i] = bias ? hn::LoadU(D4(), bias + c) : hn::LoadU(D4(), rows[i] + x);
        if (!bias) Transpose(v);
        for (int i = 0; i < 4; ++i)
          v[i] = AddSums(hn::CappedTag<double, 4>(), v[i], sum + (x + i) * channels + c);
        Transpose(v);
        for (int i = 0; i < 4; ++i) hn::StoreU(v[i], D4(), rows[i] + x);
      }
      for (int64_t i = c; i < c + 4; ++i) add(i, x, last);
    }
#endif
    for (; c < channels; ++c) add(c, first, last);
  }
}

void AddTo(const float* row, int64_t n, double* sum) {
  const D64 d;
  const hn::Rebind<float, D64> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(d, sum + i), hn::PromoteTo(d, hn::LoadU(df, row + i))), d, sum + i);
  for (; i < n; ++i) sum[i] += static_cast<double>(row[i]);
}

void FromBytes(const uint8_t* src, int64_t channels, int64_t width, const float* zero, const float* scale,
               float* const* dst) {
  int64_t x = 0;
#if HWY_TARGET != HWY_SCALAR
  const D d;
  const hn::RebindToSigned<D> di;
  const hn::Repartition<uint8_t, D> bytes;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  if (channels == 3) {
    // Twelve bytes, of four pixels, to every block of sixteen; then the bytes of a channel to integers.
    HWY_ALIGN int32_t of_lane[hn::MaxLanes(d)];
    HWY_ALIGN uint8_t of_byte[3][hn::MaxLanes(bytes)];
    for (int64_t l = 0; l < lanes; ++l) {
      of_lane[l] = static_cast<int32_t>(l / 4 * 3 + std::min<int64_t>(l % 4, 2));
      for (int64_t c = 0; c < 3; ++c) {
        of_byte[c][4 * l] = static_cast<uint8_t>(l % 4 * 3 + c);
        std::fill_n(of_byte[c] + 4 * l + 1, 3, uint8_t{0x80});  // zero
      }
    }
    const auto blocks = hn::SetTableIndices(di, of_lane);
    const hn::Vec<decltype(bytes)> channel[] = {hn::Load(bytes, of_byte[0]), hn::Load(bytes, of_byte[1]),
                                                hn::Load(bytes, of_byte[2])};
    for (; x * 3 + 4 * lanes <= width * 3; x += lanes) {
      const auto pixels =
          hn::BitCast(bytes, hn::TableLookupLanes(hn::BitCast(di, hn::LoadU(bytes, src + x * 3)), blocks));
      for (int c = 0; c < 3; ++c) {
        const V value = hn::ConvertTo(d, hn::BitCast(di, hn::TableLookupBytesOr0(pixels, channel[c])));
        hn::StoreU(hn::Mul(hn::Sub(value, hn::Set(d, zero[c])), hn::Set(d, scale[c])), d, dst[c] + x);
      }
    }
  }
#endif
  for (; x < width; ++x) {
    for (int64_t c = 0; c < channels; ++c) {
      dst[c][x] = (static_cast<float>(src[x * channels + c]) - zero[c]) * scale[c];
    }
  }
}

void ToBytes(const float* src, int64_t n, float scale, uint8_t* dst) {
  const D d;
  const hn::RebindToSigned<D> di;
  const hn::Rebind<uint8_t, D> bytes;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const V value = hn::Add(hn::Mul(hn::LoadU(d, src + x), hn::Set(d, scale)), hn::Set(d, 0.5f));
    hn::StoreU(hn::DemoteTo(bytes, hn::ConvertTo(di, value)), bytes, dst + x);
  }
  for (; x < n; ++x) dst[x] = static_cast<uint8_t>(src[x] * scale + 0.5f);
}

void Round(const float* src, int64_t n, BFloat16* dst) {
  int64_t x = 0;
#if HWY_TARGET != HWY_SCALAR
  const D d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; x + lanes <= n; x += lanes) StoreRounded(d, hn::LoadU(d, src + x), dst + x);
#endif
  for (; x < n; ++x) dst[x] = ToBFloat16(src[x]);
}

void RoundInPlace(float* row, int64_t n) {
  int64_t x = 0;
#if HWY_TARGET != HWY_SCALAR
  const D d;
  const auto kept = hn::Set(hn::RebindToUnsigned<D>(), 0xffff0000u);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; x + lanes <= n; x += lanes)
    hn::StoreU(hn::BitCast(d, hn::And(RoundedBits(d, hn::LoadU(d, row + x)), kept)), d, row + x);
#endif
  for (; x < n; ++x) row[x] = RoundToBFloat16(row[x]);
}

void Widen(const BFloat16* src, int64_t n, float* dst) {
  int64_t x = 0;
#if HWY_TARGET != HWY_SCALAR
  const D d;
  const hn::RebindToUnsigned<D> du;
  const hn::Rebind<uint16_t, D> half;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (; x + lanes <= n; x += lanes) {
    const auto bits = hn::PromoteTo(du, hn::LoadU(half, reinterpret_cast<const uint16_t*>(src + x)));
    hn::StoreU(hn::BitCast(d, hn::ShiftLeft<16>(bits)), d, dst + x);
  }
#endif
  for (; x < n; ++x) dst[x] = FromBFloat16(src[x]);
}

const char* TargetName() { return hwy::TargetName(HWY_TARGET); }

}  // namespace swath::rows::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::rows {

HWY_EXPORT(CorrelateFloats);
HWY_EXPORT(CorrelateDoubles);
HWY_EXPORT(DotFloats);
HWY_EXPORT(DotDoubles);
HWY_EXPORT(KeepRepeats);
HWY_EXPORT(Sum);
HWY_EXPORT(InterleaveFloats);
HWY_EXPORT(InterleaveRounded);
HWY_EXPORT(AddInterleaved);
HWY_EXPORT(AddTo);
HWY_EXPORT(FromBytes);
HWY_EXPORT(ToBytes);
HWY_EXPORT(Round);
HWY_EXPORT(RoundInPlace);
HWY_EXPORT(Widen);
HWY_EXPORT(TargetName);

void Correlate(const Taps<float>& taps, int64_t outputs, const float* bias, float* const* dst,
               Range columns) {
  HWY_DYNAMIC_DISPATCH(CorrelateFloats)(taps, outputs, bias, dst, columns);
}
void Correlate(const Taps<double>& taps, int64_t outputs, const float* bias, float* const* dst,
               Range columns) {
  HWY_DYNAMIC_DISPATCH(CorrelateDoubles)(taps, outputs, bias, dst, columns);
}
template <>
void Dot<float>(std::span<const float* const> src, std::span<const float* const> diff, Range columns,
                double* sums) {
  HWY_DYNAMIC_DISPATCH(DotFloats)(src, diff, columns, sums);
}
template <>
void Dot<double>(std::span<const float* const> src, std::span<const float* const> diff, Range columns,
                 double* sums) {
  HWY_DYNAMIC_DISPATCH(DotDoubles)(src, diff, columns, sums);
}
void KeepRepeats(std::span<const float* const> rows, int64_t n, int64_t block, std::span<uint8_t> repeats) {
  HWY_DYNAMIC_DISPATCH(KeepRepeats)(rows, n, block, repeats);
}
double Sum(const float* row, int64_t n) { return HWY_DYNAMIC_DISPATCH(Sum)(row, n); }
void Split(const float* src, int64_t width, int64_t shift, int64_t phases, float* const* dst, int64_t n) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t p = 0; p < phases; ++p) {
      const int64_t x = j * phases + p - shift;
      dst[p][j] = x >= 0 && x < width ? src[x] : 0.0f;
    }
  }
}

void Merge(const float* const* src, int64_t first, int64_t n, int64_t shift, int64_t phases, float* dst,
           int64_t width, Store store) {
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t p = 0; p < phases; ++p) {
      const int64_t x = (first + j) * phases + p - shift;
      if (x < 0 || x >= width) continue;
      dst[x] = store == Store::kSet ? src[p][j] : dst[x] + src[p][j];
    }
  }
}

void Interleave(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch, float* dst) {
  HWY_DYNAMIC_DISPATCH(InterleaveFloats)(src, begin, n, pitch, dst);
}
void Interleave(std::span<const float* const> src, int64_t begin, int64_t n, int64_t pitch, BFloat16* dst) {
  HWY_DYNAMIC_DISPATCH(InterleaveRounded)(src, begin, n, pitch, dst);
}
void AddInterleaved(const double* sum, std::span<float* const> dst, const float* bias, int64_t n) {
  HWY_DYNAMIC_DISPATCH(AddInterleaved)(sum, dst, bias, n);
}
void AddTo(const float* row, int64_t n, double* sum) { HWY_DYNAMIC_DISPATCH(AddTo)(row, n, sum); }
void FromBytes(const uint8_t* src, int64_t channels, int64_t width, const float* zero, const float* scale,
               float* const* dst) {
  HWY_DYNAMIC_DISPATCH(FromBytes)(src, channels, width, zero, scale, dst);
}
void ToBytes(const float* src, int64_t n, float scale, uint8_t* dst) {
  HWY_DYNAMIC_DISPATCH(ToBytes)(src, n, scale, dst);
}
void Round(const float* src, int64_t n, BFloat16* dst) { HWY_DYNAMIC_DISPATCH(Round)(src, n, dst); }
void RoundInPlace(float* row, int64_t n) { HWY_DYNAMIC_DISPATCH(RoundInPlace)(row, n); }
void Widen(const BFloat16* src, int64_t n, float* dst) { HWY_DYNAMIC_DISPATCH(Widen)(src, n, dst); }
const char* TargetName() { return HWY_DYNAMIC_DISPATCH(TargetName)(); }

}  // namespace swath::rows
#endif  // HWY_ONCE
