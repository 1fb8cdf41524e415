#include "kernels/tiles.h"

#include <algorithm>
#include <limits>
#include <type_traits>

#include "base/aligned_buffer.h"
#include "geometry/window.h"
#include "kernels/rows.h"

// The order of these lines is Highway's.
// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/tiles.cc"
#include <hwy/foreach_target.h>  // IWYU pragma: keep: compiles this file again for every target

#include <hwy/cache_control.h>
#include <hwy/highway.h>
#include "kernels/vectors-inl.h"
// clang-format on

#ifndef SWATH_KERNELS_TILES_CC_
#define SWATH_KERNELS_TILES_CC_
namespace swath::tiles {
/// Of a sum in float32: beginning and ending one costs time, long ones cost digits.
constexpr int64_t kMostTerms = 40;
/// The fine columns of all outputs whose sums are in the nearest cache while sources take turns.
constexpr int64_t kMostPartial = 528;
/// Whether there is no gate, or it lets a result through.
inline bool IsOpen(const float* const* gates, int64_t output, int64_t column) {
  return !gates || gates[output][column] > 0;
}
/// What a result is not less than.
constexpr float Floor(bool relu) { return relu ? 0 : -std::numeric_limits<float>::infinity(); }
}  // namespace swath::tiles
#endif

HWY_BEFORE_NAMESPACE();
namespace swath::tiles::HWY_NAMESPACE {
using rows::HWY_NAMESPACE::D;
using rows::HWY_NAMESPACE::D64;
using rows::HWY_NAMESPACE::LoadFirst;
using rows::HWY_NAMESPACE::StoreFirst;
using rows::HWY_NAMESPACE::V;
using rows::HWY_NAMESPACE::V64;
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

// One lane has no phases, and nothing to gain from float32.

template <class Weight>
void GatherAny(const Columns& c, std::span<const Group<Weight>> groups, int64_t outputs, const float* bias,
               bool relu, float* const* dst, Range columns) {
  for (int64_t x = columns.begin; x < columns.end; ++x) {
    double sum[kMostOutputs] = {};
    for (const Group<Weight>& g : groups) {
      const Weight* weight = g.weights;
      for (const float* source : g.sources) {
        for (int64_t j = 0; j < c.shifts; ++j) {
          for (int64_t o = 0; o < g.outputs; ++o, weight += kPattern<Weight>) {
            for (int64_t p = 0; p < c.stride; ++p)
              sum[g.first_output + o] += double{weight[p]} * double{source[x * c.stride + j * c.step + p]};
          }
        }
      }
    }
    for (int64_t o = 0; o < outputs; ++o)
      dst[o][x] = std::max(Floor(relu), static_cast<float>(double{bias ? bias[o] : dst[o][x]} + sum[o]));
  }
}

template <class Weight>
void ScatterAny(const Columns& c, int64_t phase, const Group<Weight>& g, const float* bias, bool relu,
                const float* const* gates, float* const* dst, Range columns) {
  for (int64_t i = columns.begin; i < columns.end; ++i) {
    const int64_t x = FloorDiv(i + phase, c.stride);
    for (int64_t o = 0; o < g.outputs; ++o) {
      const Weight* weight = g.weights + o * kPattern<Weight> + (i - FloorDiv(i, c.stride) * c.stride);
      double sum = double{bias ? bias[o] : dst[o][i]};
      for (const float* source : g.sources) {
        for (int64_t j = 0; j < c.shifts; ++j, weight += g.outputs * kPattern<Weight>)
          sum += double{*weight} * double{source[x - j * c.step]};
      }
      const float result = std::max(Floor(relu), static_cast<float>(sum));
      dst[o][i] = IsOpen(gates, o, i) ? result : 0;
    }
  }
}

template <class Partial>
void DotAny(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
            Range columns, double* sums) {
  for (const float* f : fine) {
    for (const float* o : coarse) {
      for (int64_t p = 0; p < stride; ++p) {
        for (int64_t x = columns.begin; x < columns.end; x += rows::kColumnTermsAtOnce) {
          Partial sum = 0;
          for (int64_t i = x; i < std::min(columns.end, x + rows::kColumnTermsAtOnce); ++i)
            sum += Partial{o[i]} * Partial{f[i * stride + p]};
          sums[p] += static_cast<double>(sum);
        }
      }
      sums += 4;
    }
  }
}

template <class Partial>
void DotShiftsAny(const Columns& c, std::span<const float* const> fine, std::span<const float* const> coarse,
                  Range columns, double* sums) {
  for (const float* o : coarse) {
    for (const float* f : fine) {
      for (int64_t j = 0; j < c.shifts; ++j, ++sums) {
        for (int64_t x = columns.begin; x < columns.end; x += rows::kColumnTermsAtOnce) {
          Partial sum = 0;
          for (int64_t i = x; i < std::min(columns.end, x + rows::kColumnTermsAtOnce); ++i)
            sum += Partial{f[i]} * Partial{o[i - j * c.step]};
          *sums += static_cast<double>(sum);
        }
      }
    }
  }
}

#else

constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(D()));
constexpr int kHalves = rows::HWY_NAMESPACE::kHalves;

/// What sums are kept in. A unit is as many columns as a float vector has lanes, in one or two vectors.
template <class Value>
struct Sums;
template <>
struct Sums<float> {
  using Lanes = D;
  using Vector = V;
  static constexpr int64_t kOfVector = kLanes;
  static constexpr int kVectors = 1;  ///< of a unit
  static constexpr int kWeights = 1;  ///< different vectors of weights
  static HWY_INLINE V Load(const float* p, int) { return hn::LoadU(D(), p); }
  static HWY_INLINE V Promote(V v, int) { return v; }
  static HWY_INLINE V Weight(const float* pattern, int) { return hn::LoadDup128(D(), pattern); }
};
template <>
struct Sums<double> {
  using Lanes = D64;
  using Vector = V64;
  static constexpr int64_t kOfVector = kLanes / kHalves;
  static constexpr int kVectors = kHalves;
  static constexpr int kWeights = kOfVector >= 4 ? 1 : 2;
  static HWY_INLINE V64 Load(const float* p, int half) {
    return hn::PromoteTo(D64(), hn::LoadU(hn::Half<D>(), p + half * kOfVector));
  }
  static HWY_INLINE V64 Promote(V v, int half) { return rows::HWY_NAMESPACE::HalfOf(v, half); }
  static HWY_INLINE V64 Weight(const double* pattern, int half) {
    return hn::LoadU(D64(), pattern + half * kOfVector % kPattern<double>);
  }
};

using rows::HWY_NAMESPACE::InRegister;
constexpr int kRegisters = rows::HWY_NAMESPACE::kRegisters;

/// Fetches the columns of a row that follow those of a tile: passes go through more rows at once than a
/// processor foresees by itself.
template <int64_t kWidth>
HWY_INLINE void PrefetchNext(const float* row) {
  constexpr int64_t kLine = kAlignment / int64_t{sizeof(float)};
#pragma GCC unroll 16
  for (int64_t i = 0; i < kWidth; i += kLine) hwy::Prefetch(row + kWidth + i);
}

/// Units of a tile, beside whose sums registers have room for what is multiplied.
template <class Value>
constexpr int Units(int outputs) {
  const int sums = kRegisters == 32 ? 24 : 12;
  return std::clamp(sums / (outputs * Sums<Value>::kVectors), 1, 8);
}

/// How many of so many terms make a sum: in float32 few, in doubles all.
template <class Weight>
constexpr int64_t RunOf(int64_t terms) {
  const int64_t runs = sizeof(Weight) > sizeof(float) ? 1 : CeilDiv(terms, kMostTerms);
  return terms > 0 ? CeilDiv(terms, runs) : 1;
}

/// Which term comes next.
template <class Weight>
struct Terms {
  const float* const* source;
  int64_t shift;
  const Weight* weights;
  int64_t pitch;  ///< of weights, from one term to the next
};

/// Sums of kOutputs rows and kUnits units of columns, in registers.
template <class Value, int kOutputs, int kUnits>
struct Tile {
  using S = Sums<Value>;
  using Lanes = typename S::Lanes;
  using Vector = typename S::Vector;
  static constexpr int kVectors = kUnits * S::kVectors;
  static constexpr int64_t kWidth = kUnits * kLanes;
  static constexpr int64_t kOfVector = S::kOfVector;

  Vector sum[kOutputs][kVectors];

  HWY_INLINE Tile() {}  // as vectors of NEON have constructors, for functions of their target alone

  /// f(output, vector) for all of the tile; unrolled, or what f touches would not stay in registers.
  template <class F>
  static HWY_INLINE void ForEach(F&& f) {
#pragma GCC unroll 8
    for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 16
      for (int v = 0; v < kVectors; ++v) f(o, v);
    }
  }

  /// Adds n terms from `at` on; load(source, shift) makes what loads vectors of a source.
  template <class MakeLoad>
  HWY_INLINE void Add(Terms<Value> at, int64_t n, int64_t shifts, MakeLoad&& make_load) {
    constexpr int kWeights = S::kWeights;
    int64_t shift = at.shift;
    const float* const* source = at.source;
    const Value* weights = at.weights;
    for (int64_t i = 0; i < n; ++i, weights += at.pitch) {
      const auto load = make_load(*source, shift);
      // What is used most often stays in registers: the sums, and the fewer of weights and sources.
      if constexpr (kOutputs * kWeights <= kVectors) {
        Vector weight[kOutputs][kWeights];
        for (int o = 0; o < kOutputs; ++o) {
          for (int w = 0; w < kWeights; ++w)
            weight[o][w] = InRegister(S::Weight(weights + o * kPattern<Value>, w));
        }
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) {
          const Vector value = InRegister(load(v));
#pragma GCC unroll 8
          for (int o = 0; o < kOutputs; ++o)
            sum[o][v] = hn::MulAdd(weight[o][v % kWeights], value, sum[o][v]);
        }
      } else {
        Vector value[kVectors];
#pragma GCC unroll 16
        for (int v = 0; v < kVectors; ++v) value[v] = InRegister(load(v));
#pragma GCC unroll 8
        for (int o = 0; o < kOutputs; ++o) {
#pragma GCC unroll 2
          for (int w = 0; w < kWeights; ++w) {
            const Vector weight = S::Weight(weights + o * kPattern<Value>, w);
#pragma GCC unroll 16
            for (int v = w; v < kVectors; v += kWeights) sum[o][v] = hn::MulAdd(weight, value[v], sum[o][v]);
          }
        }
      }
      if (++shift == shifts) {
        shift = 0;
        ++source;
      }
    }
  }
};

/// f(outputs as a constant) for up to that many.
template <class F>
HWY_INLINE void WithOutputs(int64_t outputs, F&& f) {
  switch (outputs) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 3:
      return f(std::integral_constant<int, 3>());
    case 4:
      return f(std::integral_constant<int, 4>());
    case 5:
      return f(std::integral_constant<int, 5>());
    default:
      return f(std::integral_constant<int, 8>());
  }
}

/// partial[o][i] = or += the sum of terms of fine column first + i, for i in [0, n), rounded up to whole
/// units.
template <class Weight, int kOutputs>
void GatherTerms(const Columns& c, const Terms<Weight>& at, int64_t terms, int64_t first, int64_t n,
                 bool begins, Weight* partial) {
  const auto columns = [&](auto tile, int64_t i) HWY_ATTR {
    const typename decltype(tile)::Lanes d;
    constexpr int64_t kOfVector = decltype(tile)::kOfVector;
    tile.ForEach([&](int o, int v) HWY_ATTR { tile.sum[o][v] = hn::Zero(d); });
    tile.Add(at, terms, c.shifts, [&](const float* source, int64_t shift) HWY_ATTR {
      const float* row = source + shift * c.step + first + i;
      PrefetchNext<decltype(tile)::kWidth>(row);
      return [row](int v) HWY_ATTR {
        constexpr int kVectors = Sums<Weight>::kVectors;
        return Sums<Weight>::Load(row + v / kVectors * kLanes, v % kVectors);
      };
    });
    tile.ForEach([&](int o, int v) HWY_ATTR {
      Weight* to = partial + o * kMostPartial + i + v * kOfVector;
      hn::StoreU(begins ? tile.sum[o][v] : hn::Add(hn::LoadU(d, to), tile.sum[o][v]), d, to);
    });
  };
  using Wide = Tile<Weight, kOutputs, Units<Weight>(kOutputs)>;
  int64_t i = 0;
  for (; i + Wide::kWidth <= n; i += Wide::kWidth) columns(Wide(), i);
  for (; i < n; i += kLanes) columns(Tile<Weight, kOutputs, 1>(), i);
}

/// Lanes of a coarse column each, one after the other, added up: the sums of kLanes of them from `partial`
/// on.
template <class Value>
HWY_INLINE hn::Vec<typename Sums<Value>::Lanes> AddPhases(int64_t stride, const Value* partial) {
  const typename Sums<Value>::Lanes d;
  constexpr int64_t kOfVector = Sums<Value>::kOfVector;
  const auto load = [&](int i) HWY_ATTR { return hn::LoadU(d, partial + i * kOfVector); };
  const auto add = [&](auto a, auto b)
                       HWY_ATTR { return hn::Add(hn::ConcatEven(d, b, a), hn::ConcatOdd(d, b, a)); };
  if (stride == 1) return load(0);
  const auto low = add(load(0), load(1));
  return stride == 2 ? low : add(low, add(load(2), load(3)));
}

/// dst[x] = (bias ? *bias : dst[x]) + the sum of coarse column x, for x in [0, n), but not less than
/// Floor(relu).
template <class Value>
void StoreGathered(int64_t stride, const Value* partial, const float* bias, bool relu, int64_t n,
                   float* dst) {
  const typename Sums<Value>::Lanes d;
  const hn::Rebind<float, typename Sums<Value>::Lanes> floats;
  const auto floor = hn::Set(floats, Floor(relu));
  constexpr int64_t kOfVector = Sums<Value>::kOfVector;
  int64_t x = 0;
  for (; x + kOfVector <= n; x += kOfVector) {
    const auto before = bias ? hn::Set(floats, *bias) : hn::LoadU(floats, dst + x);
    const auto sum = AddPhases(stride, partial + x * stride);
    if constexpr (std::is_same_v<Value, float>) {
      hn::StoreU(hn::Max(floor, hn::Add(before, sum)), d, dst + x);
    } else {
      const auto result = hn::DemoteTo(floats, hn::Add(hn::PromoteTo(d, before), sum));
      hn::StoreU(hn::Max(floor, result), floats, dst + x);
    }
  }
  for (; x < n; ++x) {
    const Value* lanes = partial + x * stride;
    Value sum = lanes[0];
    if (stride > 1) sum += lanes[1];
    if (stride > 2) sum += lanes[2] + lanes[3];
    dst[x] = std::max(Floor(relu), static_cast<float>(Value{bias ? *bias : dst[x]} + sum));
  }
}

/// partial[o][i] = or += all terms of fine columns first + i.
template <class Weight>
void GatherGroup(const Columns& c, const Group<Weight>& g, int64_t first, int64_t n, bool begins,
                 Weight* partial) {
  const int64_t terms = static_cast<int64_t>(g.sources.size()) * c.shifts, run = RunOf<Weight>(terms);
  WithOutputs(g.outputs, [&](auto at_once) HWY_ATTR {
    constexpr int kOutputs = decltype(at_once)::value;
    constexpr int64_t kPitch = kOutputs * kPattern<Weight>;
    for (int64_t t = 0; t < terms; t += run) {
      const Terms<Weight> at{g.sources.data() + t / c.shifts, t % c.shifts, g.weights + t * kPitch, kPitch};
      GatherTerms<Weight, kOutputs>(c, at, std::min(run, terms - t), first, n, begins && t == 0, partial);
    }
  });
}

/// Of vectors that are aligned: how many columns before `source` they begin.
int64_t Lead(const float* source) {
  return static_cast<int64_t>(reinterpret_cast<uintptr_t>(source) / sizeof(float) % kLanes);
}

/// dst[x + i] = (bias ? *bias : dst[x + i]) + all terms, for i in [0, n), by sums over sources for every
/// shift.
template <class Weight>
void GatherByShift(const Columns& c, const Group<Weight>& g, const float* bias, bool relu, float* dst,
                   int64_t x, int64_t n) {
  const D64 d;
  const hn::Rebind<float, D64> floats;
  const auto floor = hn::Set(floats, Floor(relu));
  const hn::Rebind<Weight, D64> weights;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d)), sources = static_cast<int64_t>(g.sources.size()),
                run = RunOf<Weight>(sources);
  if (sources == 0) {
    for (int64_t i = x; i < x + n; ++i) dst[i] = std::max(Floor(relu), bias ? *bias : dst[i]);
    return;
  }
  HWY_ALIGN Weight sums[kMostOutputs * kMostPartial];
  HWY_ALIGN double total[kMostPartial];
  const int64_t lead = Lead(g.sources[0] + x), width = lead + n + (c.shifts - 1) * c.step;
  for (int64_t j = 0, next; j < c.shifts; j = next) {
    next = j + OutputsOfGroup(c.shifts - j);
    WithOutputs(next - j, [&](auto at_once) HWY_ATTR {
      constexpr int kShifts = decltype(at_once)::value;
      for (int64_t t = 0; t < sources; t += run) {
        const Terms<Weight> at{g.sources.data() + t, 0, g.weights + (t * c.shifts + j) * kPattern<Weight>,
                               c.shifts * kPattern<Weight>};
        GatherTerms<Weight, kShifts>({}, at, std::min(run, sources - t), x - lead, width, t == 0, sums);
      }
      for (int64_t i = 0; i < n; i += lanes) {
        const int64_t left = n - i;
        V64 sum;
        if (j > 0) {
          sum = hn::LoadU(d, total + i);
        } else if (bias) {
          sum = hn::Set(d, double{*bias});
        } else {
          const float* from = dst + x + i;
          sum = hn::PromoteTo(d, left < lanes ? LoadFirst(floats, from, left) : hn::LoadU(floats, from));
        }
        for (int k = 0; k < kShifts; ++k) {
          const auto of_shift = hn::LoadU(weights, sums + k * kMostPartial + lead + (j + k) * c.step + i);
          if constexpr (std::is_same_v<Weight, double>) {
            sum = hn::Add(sum, of_shift);
          } else {
            sum = hn::Add(sum, hn::PromoteTo(d, of_shift));
          }
        }
        if (next < c.shifts) {
          hn::StoreU(sum, d, total + i);
        } else {
          StoreFirst(hn::Max(floor, hn::DemoteTo(floats, sum)), floats, dst + x + i, std::min(left, lanes));
        }
      }
    });
  }
}

/// The columns of a block, in whole tiles and whole vectors of coarse columns.
constexpr int64_t kBlock = std::max<int64_t>(kMostPartial / (24 * kLanes), 1) * 24 * kLanes;

/// And of one for sums by shifts: five tiles of five shifts each, of AVX-512.
constexpr int64_t kShiftBlock = 320;

template <class Weight>
void GatherAny(const Columns& c, std::span<const Group<Weight>> groups, int64_t outputs, const float* bias,
               bool relu, float* const* dst, Range columns) {
  if (c.by_shift) {
    for (int64_t x = columns.begin, n; x < columns.end; x += n) {
      const int64_t lead = groups[0].sources.empty() ? 0 : Lead(groups[0].sources[0] + x);
      n = std::min(kShiftBlock - lead - (c.shifts - 1) * c.step, columns.end - x);
      for (const Group<Weight>& g : groups)
        GatherByShift(c, g, bias ? bias + g.first_output : nullptr, relu, dst[g.first_output], x, n);
    }
    return;
  }
  HWY_ALIGN Weight partial[kMostOutputs * kMostPartial];
  const bool one = groups.size() == 1 && groups[0].outputs == outputs && !groups[0].sources.empty();
  for (int64_t x = columns.begin, n; x < columns.end; x += n) {
    n = std::min(kBlock / c.stride, columns.end - x);
    if (!one) std::fill_n(partial, outputs * kMostPartial, Weight{0});
    for (const Group<Weight>& g : groups)
      GatherGroup(c, g, x * c.stride, n * c.stride, one, partial + g.first_output * kMostPartial);
    for (int64_t o = 0; o < outputs; ++o)
      StoreGathered(c.stride, partial + o * kMostPartial, bias ? bias + o : nullptr, relu, n, dst[o] + x);
  }
}

/// Lanes that see the coarse columns of fine ones.
struct Expand {
  decltype(hn::SetTableIndices(D(), static_cast<const int32_t*>(nullptr))) indices;

  HWY_INLINE Expand(int64_t stride, int64_t phase) : indices(Make(stride, phase)) {}
  HWY_INLINE V operator()(const float* coarse) const { return Lanes(hn::LoadU(D(), coarse)); }
  HWY_INLINE V Lanes(V coarse) const { return hn::TableLookupLanes(coarse, indices); }

 private:
  static HWY_INLINE decltype(indices) Make(int64_t stride, int64_t phase) {
    HWY_ALIGN int32_t of_lane[kLanes];
    for (int64_t l = 0; l < kLanes; ++l) of_lane[l] = static_cast<int32_t>((l + phase) / stride);
    return hn::SetTableIndices(D(), of_lane);
  }
};

template <class Weight, int kOutputs, bool kExpands>
HWY_INLINE void ScatterColumns(const Columns& c, int64_t phase, const Terms<Weight>& at, int64_t terms,
                               const float* bias, bool relu, const float* const* gates, float* const* dst,
                               Range columns) {
  const Expand expand(c.stride, phase);
  const int64_t stride = kExpands ? c.stride : 1;
  const auto add = [&](auto* tile, int64_t i) HWY_ATTR {
    tile->ForEach([&](int o, int v) HWY_ATTR {
      tile->sum[o][v] = hn::Set(typename std::decay_t<decltype(*tile)>::Lanes(), Weight{bias ? bias[o] : 0});
    });
    tile->Add(at, terms, c.shifts, [&](const float* source, int64_t shift) HWY_ATTR {
      const float* row = source + FloorDiv(i, stride) - shift * c.step;
      return [row, stride, &expand](int v) HWY_ATTR {
        constexpr int kVectors = Sums<Weight>::kVectors;
        const int64_t unit = v / kVectors * kLanes;
        if constexpr (kExpands) {
          return Sums<Weight>::Promote(expand(row + unit / stride), v % kVectors);
        } else {
          return Sums<Weight>::Load(row + unit, v % kVectors);
        }
      };
    });
  };
  const auto whole = [&](auto tile, int64_t i) HWY_ATTR {
    for (int o = 0; o < kOutputs; ++o) PrefetchNext<decltype(tile)::kWidth>(dst[o] + i);
    add(&tile, i);
    const typename decltype(tile)::Lanes d;
    const hn::Rebind<float, typename decltype(tile)::Lanes> floats;
    const auto floor = hn::Set(floats, Floor(relu));
    tile.ForEach([&](int o, int v) HWY_ATTR {
      float* to = dst[o] + i + v * decltype(tile)::kOfVector;
      const auto before = bias ? hn::Zero(floats) : hn::LoadU(floats, to);
      hn::Vec<decltype(floats)> result;
      if constexpr (std::is_same_v<Weight, float>) {
        result = hn::Add(before, tile.sum[o][v]);
      } else {
        result = hn::DemoteTo(floats, hn::Add(hn::PromoteTo(d, before), tile.sum[o][v]));
      }
      result = hn::Max(floor, result);
      if (gates) {
        const auto gate = hn::LoadU(floats, gates[o] + i + v * decltype(tile)::kOfVector);
        result = hn::IfThenElseZero(hn::Gt(gate, hn::Zero(floats)), result);
      }
      hn::StoreU(result, floats, to);
    });
  };
  const auto part = [&](int64_t i, Range wanted) HWY_ATTR {
    Tile<Weight, kOutputs, 1> tile;
    add(&tile, i);
    HWY_ALIGN Weight sums[kOutputs][kLanes];
    tile.ForEach([&](int o, int v) HWY_ATTR {
      hn::StoreU(tile.sum[o][v], typename decltype(tile)::Lanes(), sums[o] + v * decltype(tile)::kOfVector);
    });
    for (int o = 0; o < kOutputs; ++o) {
      for (int64_t x = wanted.begin; x < wanted.end; ++x) {
        const float result =
            std::max(Floor(relu), static_cast<float>(Weight{bias ? 0 : dst[o][x]} + sums[o][x - i]));
        dst[o][x] = IsOpen(gates, o, x) ? result : 0;
      }
    }
  };
  // Whole vectors begin where the rows of tensors are aligned.
  // With three units of eight outputs compilers find no register for one of the values.
  using Wide = Tile<Weight, kOutputs, std::min(Units<Weight>(kOutputs), kOutputs == 8 ? 2 : 8)>;
  int64_t i = FloorDiv(columns.begin, kLanes) * kLanes;
  if (i < columns.begin) {
    part(i, {columns.begin, std::min(i + kLanes, columns.end)});
    i += kLanes;
  }
  for (; i + Wide::kWidth <= columns.end; i += Wide::kWidth) whole(Wide(), i);
  for (; i + kLanes <= columns.end; i += kLanes) whole(Tile<Weight, kOutputs, 1>(), i);
  if (i < columns.end) part(i, {i, columns.end});
}

template <class Weight>
void ScatterAny(const Columns& c, int64_t phase, const Group<Weight>& g, const float* bias, bool relu,
                const float* const* gates, float* const* dst, Range columns) {
  const int64_t terms = static_cast<int64_t>(g.sources.size()) * c.shifts;
  const int64_t run = RunOf<Weight>(terms);
  const auto scatter = [&](auto at_once) HWY_ATTR {
    constexpr int kOutputs = decltype(at_once)::value;
    for (int64_t t = 0; t == 0 || t < terms; t += run) {
      const Terms<Weight> at{g.sources.data() + t / c.shifts, t % c.shifts,
                             g.weights + t * kOutputs * kPattern<Weight>, kOutputs * kPattern<Weight>};
      const int64_t n = std::min(run, terms - t);
      const float* begin = t > 0 ? nullptr : bias;
      const bool ends = t + run >= terms;
      const float* const* gates_of_run = ends ? gates : nullptr;
      if (c.stride == 1) {
        ScatterColumns<Weight, kOutputs, false>(c, phase, at, n, begin, relu && ends, gates_of_run, dst,
                                                columns);
      } else {
        ScatterColumns<Weight, kOutputs, true>(c, phase, at, n, begin, relu && ends, gates_of_run, dst,
                                               columns);
      }
    }
  };
  WithOutputs(g.outputs, scatter);
}

/// sums[i] += the lanes of a unit, by their place in a block of four.
HWY_INLINE void AddLanes(const V* unit, double* sums) {
  rows::HWY_NAMESPACE::AddFour(hn::CappedTag<double, 4>(), rows::HWY_NAMESPACE::AddBlocks(D(), unit[0]),
                               sums);
}
template <class Doubles>
HWY_INLINE void AddByFours(Doubles d, hn::Vec<Doubles> lanes, double* sums) {
  if constexpr (hn::MaxLanes(d) <= 4) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums), lanes), d, sums);
  } else {
    const hn::Half<Doubles> half;
    AddByFours(half, hn::Add(hn::LowerHalf(half, lanes), hn::UpperHalf(half, lanes)), sums);
  }
}
HWY_INLINE void AddLanes(const V64* unit, double* sums) {
  if constexpr (Sums<double>::kOfVector >= 4) {
    AddByFours(D64(), hn::Add(unit[0], unit[1]), sums);
  } else {
    for (int h = 0; h < kHalves; ++h) AddByFours(D64(), unit[h], sums + h * Sums<double>::kOfVector);
  }
}

/// What the lanes of fine columns see of coarse rows: From a coarse column on, At(row, half) is what
/// multiplies vectors of a unit. Columns from the end on are zeros.
template <class Partial, int kCoarse>
class Seen;

/// Floats are spread over lanes as they are needed.
template <int kCoarse>
class Seen<float, kCoarse> {
 public:
  HWY_INLINE Seen(int64_t stride, const float* const* coarse, Range columns)
      : expand_(stride, 0), coarse_(coarse), end_(columns.end) {}

  struct Unit {
    V values[kCoarse];
    HWY_INLINE Unit() {}  // as vectors of NEON have constructors, for functions of their target alone
    HWY_INLINE V At(int o, int) const { return values[o]; }
  };
  HWY_INLINE Unit From(int64_t x) const {
    Unit unit;
    for (int o = 0; o < kCoarse; ++o) unit.values[o] = InRegister(expand_(coarse_[o] + x));
    return unit;
  }
  /// The last one, which may have columns beyond the end.
  HWY_INLINE Unit LastFrom(int64_t x) const {
    Unit unit;
    for (int o = 0; o < kCoarse; ++o)
      unit.values[o] = expand_.Lanes(LoadFirst(D(), coarse_[o] + x, std::min(kLanes, end_ - x)));
    return unit;
  }

 private:
  Expand expand_;
  const float* const* coarse_;
  int64_t end_;
};

/// Doubles take long to make: once for all fine rows.
template <int kCoarse>
class Seen<double, kCoarse> {
  static constexpr int64_t kPitch = rows::kColumnTermsAtOnce * kLanes;

 public:
  HWY_INLINE Seen(int64_t stride, const float* const* coarse, Range columns)
      : stride_(stride), begin_(columns.begin) {
    const Seen<float, kCoarse> floats(stride, coarse, columns);
    double* to = values_;
    for (int64_t x = columns.begin; x < columns.end; x += kLanes / stride, to += kLanes) {
      const auto unit = floats.LastFrom(x);
      for (int o = 0; o < kCoarse; ++o) {
        for (int v = 0; v < kHalves; ++v)
          hn::Store(Sums<double>::Promote(unit.At(o, v), v), D64(), to + o * kPitch + v * kOfVector);
      }
    }
  }

  struct Unit {
    const double* from;
    HWY_INLINE V64 At(int o, int v) const { return hn::Load(D64(), from + o * kPitch + v * kOfVector); }
  };
  HWY_INLINE Unit From(int64_t x) const { return {values_ + (x - begin_) * stride_}; }
  HWY_INLINE Unit LastFrom(int64_t x) const { return From(x); }

 private:
  static constexpr int64_t kOfVector = Sums<double>::kOfVector;
  int64_t stride_, begin_;
  HWY_ALIGN double values_[kCoarse * kPitch];
};

template <class Partial, int kFine, int kCoarse>
HWY_INLINE void DotTile(int64_t stride, const Seen<Partial, kCoarse>& seen, const float* const* fine,
                        Range columns, double* sums, int64_t sums_pitch) {
  using S = Sums<Partial>;
  hn::Vec<typename S::Lanes> sum[kFine][kCoarse][S::kVectors];
  for (auto& of_fine : sum) {
    for (auto& unit : of_fine) {
      for (auto& vector : unit) vector = hn::Zero(typename S::Lanes());
    }
  }
  const auto add = [&](int64_t x, const auto& unit) HWY_ATTR {
#pragma GCC unroll 8
    for (int f = 0; f < kFine; ++f) {
      for (int v = 0; v < S::kVectors; ++v) {
        const auto value = InRegister(S::Load(fine[f] + x * stride, v));
        for (int o = 0; o < kCoarse; ++o) sum[f][o][v] = hn::MulAdd(value, unit.At(o, v), sum[f][o][v]);
      }
    }
  };
  const int64_t of_unit = kLanes / stride;  // coarse columns
  int64_t x = columns.begin;
  for (; x + of_unit <= columns.end; x += of_unit) add(x, seen.From(x));
  if (x < columns.end) add(x, seen.LastFrom(x));
  for (int f = 0; f < kFine; ++f) {
    for (int o = 0; o < kCoarse; ++o) AddLanes(sum[f][o], sums + f * sums_pitch + o * 4);
  }
}

/// The most fine rows of a tile, beside `coarse` others.
template <class Partial>
constexpr int MostFine(int coarse) {
  const int sums = kRegisters == 32 ? 24 : 10;
  return std::clamp(sums / (coarse * Sums<Partial>::kVectors), 1, 8);
}

/// DotTile for the first `fine_count` rows, at most kMost.
template <class Partial, int kMost, int kCoarse>
HWY_INLINE void DotFine(int64_t fine_count, int64_t stride, const Seen<Partial, kCoarse>& seen,
                        const float* const* fine, Range columns, double* sums, int64_t pitch) {
  if (fine_count == kMost) return DotTile<Partial, kMost, kCoarse>(stride, seen, fine, columns, sums, pitch);
  if constexpr (kMost > 1)
    DotFine<Partial, kMost - 1, kCoarse>(fine_count, stride, seen, fine, columns, sums, pitch);
}

/// Columns whose sums are whole: kColumnTermsAtOnce for every lane.
template <class Partial, int kCoarse>
void DotCoarse(int64_t stride, std::span<const float* const> fine, const float* const* coarse, Range columns,
               double* sums, int64_t pitch) {
  const Seen<Partial, kCoarse> seen(stride, coarse, columns);
  constexpr int kMost = MostFine<Partial>(kCoarse);
  const int64_t count = static_cast<int64_t>(fine.size()), tiles = (count + kMost - 1) / kMost;
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t f = count * i / tiles;
    DotFine<Partial, kMost, kCoarse>(count * (i + 1) / tiles - f, stride, seen, fine.data() + f, columns,
                                     sums + f * pitch, pitch);
  }
}

/// sums[f · pitch + j] of kFine rows and kShifts shifts.
template <class Partial, int kFine, int kShifts>
HWY_INLINE void ShiftTile(const float* const* fine, const float* coarse, int64_t step, Range columns,
                          double* sums, int64_t pitch) {
  using S = Sums<Partial>;
  typename S::Vector sum[kFine][kShifts];
  for (auto& of_fine : sum) {
    for (auto& vector : of_fine) vector = hn::Zero(typename S::Lanes());
  }
  for (int64_t i = columns.begin; i < columns.end; i += S::kOfVector) {
    typename S::Vector value[kFine];
    for (int f = 0; f < kFine; ++f) value[f] = InRegister(S::Load(fine[f] + i, 0));
#pragma GCC unroll 8
    for (int j = 0; j < kShifts; ++j) {
      const auto seen = InRegister(S::Load(coarse + i - j * step, 0));
#pragma GCC unroll 8
      for (int f = 0; f < kFine; ++f) sum[f][j] = hn::MulAdd(value[f], seen, sum[f][j]);
    }
  }
  for (int f = 0; f < kFine; ++f) rows::HWY_NAMESPACE::AddLanes(sum[f], sums + f * pitch);
}

/// ShiftTile for the first `count` rows, at most kMost.
template <class Partial, int kMost, int kShifts>
HWY_INLINE void ShiftFine(int64_t count, const float* const* fine, const float* coarse, int64_t step,
                          Range columns, double* sums, int64_t pitch) {
  if (count == kMost) return ShiftTile<Partial, kMost, kShifts>(fine, coarse, step, columns, sums, pitch);
  if constexpr (kMost > 1)
    ShiftFine<Partial, kMost - 1, kShifts>(count, fine, coarse, step, columns, sums, pitch);
}

/// For so many shifts, all rows.
template <class Partial, int kShifts>
void ShiftAll(std::span<const float* const> fine, const float* coarse, int64_t step, Range columns,
              double* sums, int64_t pitch) {
  constexpr int kMost = std::clamp((kRegisters == 32 ? 24 : 10) / kShifts, 1, 8);
  const int64_t count = static_cast<int64_t>(fine.size()), tiles = CeilDiv(count, kMost);
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t f = count * i / tiles;
    ShiftFine<Partial, kMost, kShifts>(count * (i + 1) / tiles - f, fine.data() + f, coarse, step, columns,
                                       sums + f * pitch, pitch);
  }
}

template <class Partial>
void DotShiftsAny(const Columns& c, std::span<const float* const> fine, std::span<const float* const> coarse,
                  Range columns, double* sums) {
  const int64_t block = rows::kColumnTermsAtOnce * Sums<Partial>::kOfVector,
                pitch = static_cast<int64_t>(fine.size()) * c.shifts;
  // Fine columns stay in the nearest cache while coarse rows take turns.
  for (int64_t x = columns.begin; x < columns.end; x += block) {
    const Range piece{x, std::min(x + block, columns.end)};
    double* to = sums;
    for (const float* row : coarse) {
      for (int64_t j = 0, n; j < c.shifts; j += n) {
        const int64_t left = c.shifts - j;
        n = left > 5 ? (left == 6 ? 3 : 4) : left;
        const auto shifts = [&](auto count) HWY_ATTR {
          ShiftAll<Partial, decltype(count)::value>(fine, row - j * c.step, c.step, piece, to + j, c.shifts);
        };
        WithOutputs(n, shifts);
      }
      to += pitch;
    }
  }
}

template <class Partial>
void DotAny(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
            Range columns, double* sums) {
  const int64_t count = static_cast<int64_t>(coarse.size()), pitch = count * 4;
  // Columns whose rows stay in the cache while the rows of the other tensor take turns: whole sums.
  const int64_t block = rows::kColumnTermsAtOnce * kLanes / stride;
  for (int64_t x = columns.begin; x < columns.end; x += block) {
    const Range piece{x, std::min(x + block, columns.end)};
    int64_t o = 0;
    for (; o + 4 <= count; o += 4)
      DotCoarse<Partial, 4>(stride, fine, coarse.data() + o, piece, sums + o * 4, pitch);
    if (count % 4 == 1) DotCoarse<Partial, 1>(stride, fine, coarse.data() + o, piece, sums + o * 4, pitch);
    if (count % 4 == 2) DotCoarse<Partial, 2>(stride, fine, coarse.data() + o, piece, sums + o * 4, pitch);
    if (count % 4 == 3) DotCoarse<Partial, 3>(stride, fine, coarse.data() + o, piece, sums + o * 4, pitch);
  }
}

#endif

void GatherFloats(const Columns& c, std::span<const Group<float>> groups, int64_t outputs, const float* bias,
                  bool relu, float* const* dst, Range columns) {
  GatherAny(c, groups, outputs, bias, relu, dst, columns);
}
void GatherDoubles(const Columns& c, std::span<const Group<double>> groups, int64_t outputs,
                   const float* bias, bool relu, float* const* dst, Range columns) {
  GatherAny(c, groups, outputs, bias, relu, dst, columns);
}
void ScatterFloats(const Columns& c, int64_t phase, const Group<float>& group, const float* bias, bool relu,
                   const float* const* gates, float* const* dst, Range columns) {
  ScatterAny(c, phase, group, bias, relu, gates, dst, columns);
}
void ScatterDoubles(const Columns& c, int64_t phase, const Group<double>& group, const float* bias, bool relu,
                    const float* const* gates, float* const* dst, Range columns) {
  ScatterAny(c, phase, group, bias, relu, gates, dst, columns);
}
void DotFloats(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
               Range columns, double* sums) {
  DotAny<float>(stride, fine, coarse, columns, sums);
}
void DotDoubles(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
                Range columns, double* sums) {
  DotAny<double>(stride, fine, coarse, columns, sums);
}
void DotShiftsFloats(const Columns& c, std::span<const float* const> fine,
                     std::span<const float* const> coarse, Range columns, double* sums) {
  DotShiftsAny<float>(c, fine, coarse, columns, sums);
}
void DotShiftsDoubles(const Columns& c, std::span<const float* const> fine,
                      std::span<const float* const> coarse, Range columns, double* sums) {
  DotShiftsAny<double>(c, fine, coarse, columns, sums);
}

}  // namespace swath::tiles::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace swath::tiles {

HWY_EXPORT(GatherFloats);
HWY_EXPORT(GatherDoubles);
HWY_EXPORT(ScatterFloats);
HWY_EXPORT(ScatterDoubles);
HWY_EXPORT(DotFloats);
HWY_EXPORT(DotDoubles);
HWY_EXPORT(DotShiftsFloats);
HWY_EXPORT(DotShiftsDoubles);

void Gather(const Columns& c, std::span<const Group<float>> groups, int64_t outputs, const float* bias,
            bool relu, float* const* dst, Range columns) {
  HWY_DYNAMIC_DISPATCH(GatherFloats)(c, groups, outputs, bias, relu, dst, columns);
}
void Gather(const Columns& c, std::span<const Group<double>> groups, int64_t outputs, const float* bias,
            bool relu, float* const* dst, Range columns) {
  HWY_DYNAMIC_DISPATCH(GatherDoubles)(c, groups, outputs, bias, relu, dst, columns);
}
void Scatter(const Columns& c, int64_t phase, const Group<float>& group, const float* bias, bool relu,
             const float* const* gates, float* const* dst, Range columns) {
  HWY_DYNAMIC_DISPATCH(ScatterFloats)(c, phase, group, bias, relu, gates, dst, columns);
}
void Scatter(const Columns& c, int64_t phase, const Group<double>& group, const float* bias, bool relu,
             const float* const* gates, float* const* dst, Range columns) {
  HWY_DYNAMIC_DISPATCH(ScatterDoubles)(c, phase, group, bias, relu, gates, dst, columns);
}
template <>
void Dot<float>(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
                Range columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotFloats)(stride, fine, coarse, columns, sums);
}
template <>
void Dot<double>(int64_t stride, std::span<const float* const> fine, std::span<const float* const> coarse,
                 Range columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotDoubles)(stride, fine, coarse, columns, sums);
}
template <>
void DotShifts<float>(const Columns& c, std::span<const float* const> fine,
                      std::span<const float* const> coarse, Range columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotShiftsFloats)(c, fine, coarse, columns, sums);
}
template <>
void DotShifts<double>(const Columns& c, std::span<const float* const> fine,
                       std::span<const float* const> coarse, Range columns, double* sums) {
  HWY_DYNAMIC_DISPATCH(DotShiftsDoubles)(c, fine, coarse, columns, sums);
}

}  // namespace swath::tiles
#endif  // HWY_ONCE
