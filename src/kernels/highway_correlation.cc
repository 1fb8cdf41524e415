/// Row kernel for narrow layers, in float32. A strided correlation becomes unit-stride ones over phases: the
/// columns of the fine tensor split by (column + pad) mod stride. What remains is rows::Correlate and
/// rows::Dot over lists of taps. Where a layer has few channels, neighbouring rows of its result are computed
/// together, as if they were channels: a value that is loaded enters into the sums of them all.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/correlation.h"
#include "kernels/rows.h"

namespace swath {
namespace {

/// A layer of so few multiply-adds a pixel of the image, as all of a narrow network are, adds over taps in
/// doubles: it is to be exact rather than fast.
constexpr int64_t kExact = 256;
/// And one of so few the products of weight gradients, too: it sees few pixels, those of glass all alike, and
/// costs next to nothing.
constexpr int64_t kExactGradient = 16;

/// A few channels that are computed together: at most rows::kMostOutputs, all of one group.
struct Block {
  int64_t group;
  int64_t first;  ///< channel
  int64_t count;
};

std::vector<Block> Blocks(int64_t groups, int64_t per_group) {
  std::vector<Block> blocks;
  for (int64_t g = 0; g < groups; ++g) {
    for (int64_t c = 0; c < per_group; c += rows::kMostOutputs) {
      blocks.push_back({g, g * per_group + c, std::min(rows::kMostOutputs, per_group - c)});
    }
  }
  return blocks;
}

/// Fine rows split into phases, kept for the front that moves over them.
struct PackedRows {
  std::vector<int64_t> rows;  ///< which row each slot holds, -1 for none
  std::vector<float> values;  ///< [slot][channel][phase][column]

  void Reset() { std::fill(rows.begin(), rows.end(), int64_t{-1}); }
};

template <class Weight>
struct HighwayWorkspace final : Workspace {
  PackedRows packed[2];        ///< by Front
  std::vector<float> phases;   ///< [output][phase][column], before they are merged
  std::vector<float> discard;  ///< stands in for channels that need no gradient
  std::vector<float> zeros;    ///< stands in for rows outside the window, with a margin
  int64_t margin = 0;
  std::vector<rows::Tap<Weight>> taps;
  std::vector<rows::TapRun> runs;
  int64_t terms = 0;  ///< of the last run
  std::vector<const float*> sources;
  std::vector<double> sums;

  /// Begins the taps of another pass.
  void Clear() {
    taps.clear();
    runs.clear();
  }
  void Reset() override {
    packed[0].Reset();
    packed[1].Reset();
  }
};

/// Weight says what sums over taps are added in.
template <class Weight>
class HighwayCorrelation final : public Correlation<float> {
 public:
  explicit HighwayCorrelation(const CorrelationShape& shape)
      : s_(shape),
        stride_(shape.columns.stride),
        period_(stride_ / std::gcd(stride_, shape.columns.dilation)),
        step_(period_ * shape.columns.dilation / stride_),
        coarse_blocks_(Blocks(shape.groups, shape.coarse_per_group())),
        fine_blocks_(Blocks(shape.groups, shape.fine_per_group())) {
    const Window& w = s_.columns;
    packed_width_ = s_.coarse_width + (w.extent() - 1) / stride_;
    first_ = FloorDiv(w.pad_begin, stride_);
    merged_width_ = FloorDiv(s_.fine_width - 1 + w.pad_begin, stride_) - first_ + 1;
    // Gather reads fine columns directly where the stride is 1; Scatter always reads coarse columns directly.
    int64_t margin = std::max((w.extent() - 1) / stride_ - first_, first_ + merged_width_ - s_.coarse_width);
    if (stride_ == 1) {
      margin =
          std::max({margin, w.pad_begin, s_.coarse_width - 1 + w.extent() - w.pad_begin - s_.fine_width});
    }
    margin_ = std::max<int64_t>(margin, 0);
  }

  std::string_view name() const override { return "highway"; }
  int64_t margin() const override { return margin_; }
  int64_t parameter_bytes() const override {
    int64_t values = 0;
    for (const Block& b : coarse_blocks_) values += b.count * s_.fine_per_group() * CyclicTaps(b);
    for (const Block& b : fine_blocks_) values += b.count * s_.coarse_per_group() * CyclicTaps(b);
    return values * s_.columns.kernel * int64_t{sizeof(Weight)};
  }
  int64_t workspace_bytes() const override {
    const int64_t packed = (Slots(Front::kForward) + Slots(Front::kBackward)) * PackedRowSize();
    return (packed + PhaseSize() + std::max(s_.fine_width, s_.coarse_width) + ZerosSize()) *
               int64_t{sizeof(float)} +
           MostTaps() * int64_t{sizeof(rows::Tap<Weight>) + sizeof(rows::TapRun) + sizeof(float*) +
                                sizeof(double) * rows::kMostOutputs};
  }

  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto workspace = std::make_unique<HighwayWorkspace<Weight>>();
    for (const Front front : {Front::kForward, Front::kBackward}) {
      PackedRows& packed = workspace->packed[static_cast<int>(front)];
      packed.rows.assign(static_cast<size_t>(Slots(front)), -1);
      packed.values.resize(static_cast<size_t>(Slots(front) * PackedRowSize()));
    }
    workspace->phases.resize(static_cast<size_t>(PhaseSize()));
    workspace->discard.resize(static_cast<size_t>(std::max(s_.fine_width, s_.coarse_width)));
    workspace->zeros.resize(static_cast<size_t>(ZerosSize()));
    workspace->margin = margin_;
    workspace->taps.reserve(static_cast<size_t>(MostTaps()));
    workspace->runs.reserve(static_cast<size_t>(MostTaps()));
    workspace->sources.reserve(static_cast<size_t>(MostTaps()));
    workspace->sums.reserve(static_cast<size_t>(MostTaps() * rows::kMostOutputs));
    return workspace;
  }

  void SetWeights(const float* weights) override;
  void Gather(const RowWindow<const float>& fine, const float* bias, const RowWindow<float>& coarse,
              Front front, Workspace* workspace) const override;
  void Scatter(const RowWindow<const float>& coarse, const float* bias, const RowWindow<float>& fine,
               Workspace* workspace) const override;
  void AddWeightGradient(const RowWindow<const float>& fine, const RowWindow<const float>& coarse,
                         double* diff_weights, Workspace* workspace) const override;
  double Sum(const float* row, int64_t n) const override { return rows::Sum(row, n); }

 private:
  /// Fine rows that are packed at once; with a stride of 1 there is nothing to pack.
  int64_t Slots(Front front) const { return stride_ == 1 ? 0 : s_.RowsToPack(Window::Kind::kGather, front); }
  int64_t PackedRowSize() const { return s_.fine_channels * stride_ * packed_width_; }
  int64_t PhaseSize() const { return stride_ == 1 ? 0 : rows::kMostOutputs * stride_ * merged_width_; }
  int64_t ZerosSize() const {
    return stride_ == 1 ? std::max(s_.fine_width, s_.coarse_width) + 2 * margin_ : 0;
  }
  int64_t MostRows() const { return s_.rows.most_src(s_.rows_at_once) + s_.rows_at_once; }
  int64_t MostTaps() const {
    return MostRows() * s_.columns.kernel * std::max(s_.coarse_per_group(), s_.fine_per_group());
  }
  /// Rows of the result that are outputs of one pass: where neighbours see a source through neighbouring taps
  /// and channels are few. At most one more than there are taps, so that no more than two rows share a tap
  /// (see Sources).
  int64_t RowsOfPass(const Block& block) const {
    const bool neighbours = s_.rows.stride == 1 && s_.rows.dilation == 1 && stride_ == 1;
    return neighbours ? std::min(std::max<int64_t>(1, rows::kMostOutputs / block.count), s_.row_taps() + 1)
                      : 1;
  }
  /// Row taps that lie together in gather_ and scatter_: all, and once more those that the outputs of a pass
  /// reach beyond the last.
  int64_t CyclicTaps(const Block& block) const { return s_.row_taps() + RowsOfPass(block) - 1; }

  /// Weights of a block from one column tap to the next.
  int64_t Pitch(const Block& block) const { return CyclicTaps(block) * block.count; }
  /// A block's weights, laid out [channel of the other side, in the group][column tap][row tap][output]; row
  /// taps from the last to the first in gather_, the other way in scatter_, and round: what the rows of a
  /// pass see through their taps is consecutive.
  using BlockWeights = std::vector<Weight>;

  int64_t WeightIndex(int64_t coarse, int64_t fine_in_group, int64_t row_tap, int64_t column_tap) const {
    return ((coarse * s_.fine_per_group() + fine_in_group) * s_.row_taps() + row_tap) * s_.columns.kernel +
           column_tap;
  }

  /// Splits a fine row into phases, unless the front still has it.
  const float* Pack(const RowWindow<const float>& fine, int64_t row, Front front,
                    HighwayWorkspace<Weight>* workspace) const;
  /// What one pass writes: a block's channels in some rows, those that need no gradient replaced by a row
  /// that nobody reads.
  struct Outputs {
    int64_t count = 0;
    float* rows[rows::kMostOutputs];  ///< [row][channel of the block]
    float bias[rows::kMostOutputs];
    bool any = false;  ///< whether any is needed
  };
  static Outputs OutputsOf(const Block& block, const RowWindow<float>& window, Range rows, const float* bias,
                           HighwayWorkspace<Weight>* workspace);
  /// The source rows that the outputs of a pass see through neighbouring taps. If output 0 sees a row through
  /// tap t, the next ones see it through t - 1, t - 2 … (Gather) or t + 1, t + 2 … (Scatter); those for which
  /// there is no such tap see the row that lies row_taps() further on, and the taps go round. So for every t
  /// all outputs of the pass have a term, and registers are full.
  struct Sources {
    int64_t row;  ///< of outputs before `split`, the others' is row + row_taps()
    int64_t split;
    int64_t first_tap;  ///< as in the packed weights: where those of output 0 begin
    bool both;          ///< whether any output sees the other row
  };
  /// f(Sources) for those of which some row is in the window.
  template <class F>
  void ForSources(const Block& block, Range rows, bool gathers, Range window, F&& f) const;
  /// Row `row` of a window, channel c; zeros where it is not there.
  static const float* RowOrZeros(const RowWindow<const float>& window, int64_t row, int64_t c,
                                 const HighwayWorkspace<Weight>& workspace) {
    return window.rows.contains(row) ? window.At(row, c) : workspace.zeros.data() + workspace.margin;
  }
  /// The terms of a source row for outputs of a pass: those whose column taps differ by period_ see the same
  /// values, step_ columns further on, and are one tap.
  void AddGatherTaps(size_t block, const Sources& sources, const RowWindow<const float>& fine, Front front,
                     HighwayWorkspace<Weight>* workspace) const;
  int64_t TermsFrom(int64_t k) const { return CeilDiv(s_.columns.kernel - k, period_); }
  /// Adds a tap to a run that goes on, or begins one.
  static void AddTap(const rows::Tap<Weight>& tap, int64_t split, HighwayWorkspace<Weight>* workspace);
  void AddScatterTaps(size_t block, const Sources& sources, int64_t phase,
                      const RowWindow<const float>& coarse, HighwayWorkspace<Weight>* workspace) const;
  /// Where coarse column 0 reads channel f of a packed row through column tap k.
  const float* PackedTap(const float* packed, int64_t f, int64_t k) const {
    const int64_t reach = k * s_.columns.dilation;
    return packed + (f * stride_ + reach % stride_) * packed_width_ + reach / stride_;
  }
  /// diff_weights of one fine row and those of `rows` that it meets.
  void AddRowGradient(const Block& block, const RowWindow<const float>& fine, int64_t row,
                      const RowWindow<const float>& coarse, Range rows, double* diff_weights,
                      HighwayWorkspace<Weight>* workspace) const;
  CorrelationShape s_;
  int64_t stride_;
  int64_t period_;  ///< column taps after which one meets the same phase again
  int64_t step_;    ///< and how many columns of it further on
  std::vector<Block> coarse_blocks_;
  std::vector<Block> fine_blocks_;
  int64_t packed_width_ = 0;  ///< columns of a phase that Gather reads
  int64_t first_ = 0;         ///< index of the first column of a phase that Scatter writes
  int64_t merged_width_ = 0;  ///< and how many
  int64_t margin_ = 0;
  std::vector<BlockWeights> gather_;   ///< by coarse block
  std::vector<BlockWeights> scatter_;  ///< by fine block
};

template <class Weight>
void HighwayCorrelation<Weight>::SetWeights(const float* weights) {
  gather_.clear();
  scatter_.clear();
  const int64_t kernel = s_.columns.kernel, row_taps = s_.row_taps();
  for (const Block& b : coarse_blocks_) {
    BlockWeights& packed = gather_.emplace_back();
    for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
      for (int64_t k = 0; k < kernel; ++k) {
        for (int64_t i = 0; i < CyclicTaps(b); ++i) {
          for (int64_t o = 0; o < b.count; ++o)
            packed.push_back(weights[WeightIndex(b.first + o, f, row_taps - 1 - i % row_taps, k)]);
        }
      }
    }
  }
  for (const Block& b : fine_blocks_) {
    BlockWeights& packed = scatter_.emplace_back();
    for (int64_t c = 0; c < s_.coarse_per_group(); ++c) {
      for (int64_t k = 0; k < kernel; ++k) {
        for (int64_t i = 0; i < CyclicTaps(b); ++i) {
          for (int64_t o = 0; o < b.count; ++o) {
            const int64_t fine = b.first + o - b.group * s_.fine_per_group();
            packed.push_back(
                weights[WeightIndex(b.group * s_.coarse_per_group() + c, fine, i % row_taps, k)]);
          }
        }
      }
    }
  }
}

template <class Weight>
const float* HighwayCorrelation<Weight>::Pack(const RowWindow<const float>& fine, int64_t row, Front front,
                                              HighwayWorkspace<Weight>* workspace) const {
  if (stride_ == 1) return nullptr;
  PackedRows& packed = workspace->packed[static_cast<int>(front)];
  const int64_t slot = row % static_cast<int64_t>(packed.rows.size());
  float* values = packed.values.data() + slot * PackedRowSize();
  if (packed.rows[static_cast<size_t>(slot)] == row) return values;
  packed.rows[static_cast<size_t>(slot)] = row;
  std::vector<float*> phases(static_cast<size_t>(stride_));
  for (int64_t f = 0; f < s_.fine_channels; ++f) {
    for (int64_t p = 0; p < stride_; ++p)
      phases[static_cast<size_t>(p)] = values + (f * stride_ + p) * packed_width_;
    rows::Split(fine.At(row, f), s_.fine_width, s_.columns.pad_begin, stride_, phases.data(), packed_width_);
  }
  return values;
}

template <class Weight>
typename HighwayCorrelation<Weight>::Outputs HighwayCorrelation<Weight>::OutputsOf(
    const Block& block, const RowWindow<float>& window, Range rows, const float* bias,
    HighwayWorkspace<Weight>* workspace) {
  Outputs outputs;
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (int64_t c = block.first; c < block.first + block.count; ++c) {
      float* row = window.At(y, c);
      outputs.any = outputs.any || row;
      outputs.rows[outputs.count] = row ? row : workspace->discard.data();
      outputs.bias[outputs.count++] = bias ? bias[c] : 0;
    }
  }
  return outputs;
}

template <class Weight>
template <class F>
void HighwayCorrelation<Weight>::ForSources(const Block& block, Range rows, bool gathers, Range window,
                                            F&& f) const {
  const int64_t taps = s_.row_taps();
  if (rows.size() == 1) {
    for (int64_t r = window.begin; r < window.end; ++r) {
      const int64_t tap = gathers ? s_.Tap(rows.begin, r) : s_.Tap(r, rows.begin);
      if (tap >= 0) f(Sources{r, block.count, gathers ? taps - 1 - tap : tap, false});
    }
    return;
  }
  for (int64_t tap = 0; tap < taps; ++tap) {
    const int64_t row = gathers ? rows.begin - s_.rows.pad_begin + tap : rows.begin + s_.rows.pad_begin - tap;
    const int64_t split = std::min(gathers ? tap + 1 : taps - tap, rows.size());
    if (!window.contains(row) && (split == rows.size() || !window.contains(row + taps))) continue;
    f(Sources{row, split * block.count, gathers ? taps - 1 - tap : tap, split < rows.size()});
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::AddTap(const rows::Tap<Weight>& tap, int64_t split,
                                        HighwayWorkspace<Weight>* workspace) {
  // Beginning and ending a run costs time; long sums in float32 cost digits.
  constexpr int64_t kMostTerms = 96;
  workspace->taps.push_back(tap);
  std::vector<rows::TapRun>& runs = workspace->runs;
  if (runs.empty() || runs.back().split != split || workspace->terms + tap.count > kMostTerms) {
    runs.push_back({0, split});
    workspace->terms = 0;
  }
  ++runs.back().taps;
  workspace->terms += tap.count;
}

template <class Weight>
void HighwayCorrelation<Weight>::Gather(const RowWindow<const float>& fine, const float* bias,
                                        const RowWindow<float>& coarse, Front front,
                                        Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace<Weight>*>(workspace);
  for (size_t i = 0; i < coarse_blocks_.size(); ++i) {
    const Block& b = coarse_blocks_[i];
    const int64_t per_pass = RowsOfPass(b);
    for (int64_t y = coarse.rows.begin; y < coarse.rows.end; y += per_pass) {
      const Range rows{y, std::min(y + per_pass, coarse.rows.end)};
      const Outputs outputs = OutputsOf(b, coarse, rows, bias, w);
      if (!outputs.any) continue;
      w->Clear();
      ForSources(b, rows, true, fine.rows, [&](const Sources& s) { AddGatherTaps(i, s, fine, front, w); });
      rows::Correlate({w->taps, w->runs, step_, period_ * Pitch(b)}, outputs.count,
                      bias ? outputs.bias : nullptr, outputs.rows, s_.coarse_width);
    }
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::AddGatherTaps(size_t block, const Sources& s,
                                               const RowWindow<const float>& fine, Front front,
                                               HighwayWorkspace<Weight>* w) const {
  const Block& b = coarse_blocks_[block];
  const float* packed = Pack(fine, s.row, front, w);
  const Weight* weights = gather_[block].data() + s.first_tap * b.count;
  for (int64_t f = 0; f < s_.fine_per_group(); ++f, weights += s_.columns.kernel * Pitch(b)) {
    const int64_t channel = b.group * s_.fine_per_group() + f;
    const auto row = [&](int64_t y, int64_t k) {
      return RowOrZeros(fine, y, channel, *w) + k * s_.columns.dilation - s_.columns.pad_begin;
    };
    for (int64_t k = 0; k < std::min(period_, s_.columns.kernel); ++k) {
      const float *src = packed ? PackedTap(packed, channel, k) : row(s.row, k),
                  *other = s.both ? row(s.row + s_.row_taps(), k) : src;
      AddTap({src, other, weights + k * Pitch(b), TermsFrom(k)}, s.split, w);
    }
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::Scatter(const RowWindow<const float>& coarse, const float* bias,
                                         const RowWindow<float>& fine, Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace<Weight>*>(workspace);
  for (size_t i = 0; i < fine_blocks_.size(); ++i) {
    const Block& b = fine_blocks_[i];
    const int64_t per_pass = RowsOfPass(b);
    for (int64_t y = fine.rows.begin; y < fine.rows.end; y += per_pass) {
      const Range rows{y, std::min(y + per_pass, fine.rows.end)};
      const Outputs outputs = OutputsOf(b, fine, rows, bias, w);
      if (!outputs.any) continue;
      for (int64_t phase = 0; phase < stride_; ++phase) {
        w->Clear();
        ForSources(b, rows, false, coarse.rows,
                   [&](const Sources& s) { AddScatterTaps(i, s, phase, coarse, w); });
        const rows::Taps<Weight> taps{w->taps, w->runs, -step_, period_ * Pitch(b)};
        if (stride_ == 1) {
          if (bias || !w->taps.empty())
            rows::Correlate(taps, outputs.count, bias ? outputs.bias : nullptr, outputs.rows, s_.fine_width);
          continue;
        }
        float* parts[rows::kMostOutputs];
        for (int64_t o = 0; o < outputs.count; ++o)
          parts[o] = w->phases.data() + (o * stride_ + phase) * merged_width_;
        rows::Correlate(taps, outputs.count, outputs.bias, parts, merged_width_);
      }
      if (stride_ == 1) continue;
      for (int64_t o = 0; o < outputs.count; ++o) {
        w->sources.clear();
        for (int64_t p = 0; p < stride_; ++p)
          w->sources.push_back(w->phases.data() + (o * stride_ + p) * merged_width_);
        rows::Merge(w->sources.data(), first_, merged_width_, s_.columns.pad_begin, stride_, outputs.rows[o],
                    s_.fine_width, bias ? rows::Store::kSet : rows::Store::kAdd);
      }
    }
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::AddScatterTaps(size_t block, const Sources& s, int64_t phase,
                                                const RowWindow<const float>& coarse,
                                                HighwayWorkspace<Weight>* w) const {
  const Block& b = fine_blocks_[block];
  const Weight* weights = scatter_[block].data() + s.first_tap * b.count;
  for (int64_t c = 0; c < s_.coarse_per_group(); ++c, weights += s_.columns.kernel * Pitch(b)) {
    const int64_t channel = b.group * s_.coarse_per_group() + c;
    const float *src = RowOrZeros(coarse, s.row, channel, *w) + first_,
                *other = s.both ? RowOrZeros(coarse, s.row + s_.row_taps(), channel, *w) + first_ : src;
    for (int64_t k = 0; k < std::min(period_, s_.columns.kernel); ++k) {
      const int64_t reach = k * s_.columns.dilation, shift = reach / stride_;
      if (reach % stride_ == phase)
        AddTap({src - shift, other - shift, weights + k * Pitch(b), TermsFrom(k)}, s.split, w);
    }
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::AddWeightGradient(const RowWindow<const float>& fine,
                                                   const RowWindow<const float>& coarse, double* diff_weights,
                                                   Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace<Weight>*>(workspace);
  // All that a fine row meets in turn, while it is in the cache.
  for (int64_t r = fine.rows.begin; r < fine.rows.end; ++r) {
    for (const Block& b : coarse_blocks_) {
      const int64_t per_pass = RowsOfPass(b);
      for (int64_t y = coarse.rows.begin; y < coarse.rows.end; y += per_pass)
        AddRowGradient(b, fine, r, coarse, {y, std::min(y + per_pass, coarse.rows.end)}, diff_weights, w);
    }
  }
}

template <class Weight>
void HighwayCorrelation<Weight>::AddRowGradient(const Block& b, const RowWindow<const float>& fine, int64_t r,
                                                const RowWindow<const float>& coarse, Range rows,
                                                double* diff_weights, HighwayWorkspace<Weight>* w) const {
  const float* diffs[rows::kMostOutputs];
  int64_t taps[rows::kMostOutputs], count = 0;
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    const int64_t tap = s_.Tap(y, r);
    for (int64_t o = 0; tap >= 0 && o < b.count; ++o) {
      diffs[count] = coarse.At(y, b.first + o);
      taps[count++] = tap;
    }
  }
  if (count == 0) return;
  w->sources.clear();
  const float* packed = Pack(fine, r, Front::kBackward, w);
  for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
    const int64_t channel = b.group * s_.fine_per_group() + f;
    for (int64_t k = 0; k < s_.columns.kernel; ++k)
      w->sources.push_back(packed ? PackedTap(packed, channel, k)
                                  : fine.At(r, channel) + k * s_.columns.dilation - s_.columns.pad_begin);
  }
  w->sums.assign(w->sources.size() * static_cast<size_t>(count), 0.0);
  const auto dot = s_.multiply_adds <= kExactGradient ? rows::Dot<double> : rows::Dot<float>;
  dot(w->sources, {diffs, static_cast<size_t>(count)}, s_.coarse_width, w->sums.data());
  const double* sum = w->sums.data();
  for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
    for (int64_t k = 0; k < s_.columns.kernel; ++k) {
      for (int64_t i = 0; i < count; ++i)
        diff_weights[WeightIndex(b.first + i % b.count, f, taps[i], k)] += *sum++;
    }
  }
}

}  // namespace

std::unique_ptr<Correlation<float>> MakeHighwayCorrelation(const CorrelationShape& shape) {
  if (shape.multiply_adds <= kExact) return std::make_unique<HighwayCorrelation<double>>(shape);
  return std::make_unique<HighwayCorrelation<float>>(shape);
}

}  // namespace swath
