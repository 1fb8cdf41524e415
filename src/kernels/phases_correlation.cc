/// Row kernel for narrow layers with strides that do not divide a vector, or with dilation beside a stride,
/// in float32. A strided correlation becomes unit-stride ones over phases: the columns of the fine tensor
/// split by (column + pad) mod stride. What remains is rows::Correlate and rows::Dot over lists of taps.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/correlation.h"
#include "kernels/exactness.h"
#include "kernels/repeats.h"
#include "kernels/rows.h"
#include "kernels/share_columns.h"

namespace swath {
namespace {

/// Of a run: beginning and ending one costs time, long sums in float32 cost digits.
constexpr int64_t kMostTerms = 32;

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

struct PhasesWorkspace final : Workspace {
  PackedRows packed[2];        ///< by Front
  std::vector<float> phases;   ///< [output][phase][column], before they are merged
  std::vector<float> discard;  ///< stands in for channels that need no gradient
  std::vector<rows::Tap> taps;
  std::vector<int64_t> runs;
  size_t image_taps = 0;  ///< how many of them, and of the runs, are added in doubles though others are not
  size_t image_runs = 0;
  int64_t terms = 0;  ///< of the last run
  std::vector<const float*> sources;
  std::vector<double> sums;
  std::vector<double> repeated;  ///< the sums of a stretch
  Repeats repeats;

  explicit PhasesWorkspace(Repeats blocks) : repeats(std::move(blocks)) {}

  /// Begins the taps of another pass.
  void Clear() {
    taps.clear();
    runs.clear();
    image_taps = image_runs = 0;
  }
  void Reset() override {
    packed[0].Reset();
    packed[1].Reset();
  }
};

class PhasesCorrelation final : public Correlation<float> {
 public:
  explicit PhasesCorrelation(const CorrelationShape& shape)
      : s_(shape),
        exact_(IsExact(shape)),
        exact_image_(!exact_ && IsExactOfImage(shape)),
        stride_(shape.columns.stride),
        period_(stride_ / std::gcd(stride_, shape.columns.dilation)),
        step_(period_ * shape.columns.dilation / stride_),
        coarse_blocks_(Blocks(shape.groups, shape.coarse_per_group())),
        fine_blocks_(Blocks(shape.groups, shape.fine_per_group())) {
    const Window& w = s_.columns;
    packed_width_ = s_.coarse_width + (w.extent() - 1) / stride_;
    first_ = FloorDiv(w.pad_begin, stride_);
    merged_width_ = FloorDiv(s_.fine_width - 1 + w.pad_begin, stride_) - first_ + 1;
    // Scatter reads coarse columns directly.
    margin_ =
        std::max({int64_t{0}, (w.extent() - 1) / stride_ - first_, first_ + merged_width_ - s_.coarse_width});
    coarse_block_ = kRepeatedColumns % stride_ == 0 ? kRepeatedColumns / stride_ : kRepeatedColumns;
    gathered_ = {-w.pad_begin, w.extent() - 1 - w.pad_begin, stride_};
    scattered_ = {first_ - (w.extent() - 1) / stride_, first_, 1};
  }

  std::string_view name() const override { return "phases"; }
  int64_t margin() const override { return margin_; }
  int64_t parameter_bytes() const override {
    return 2 * s_.weight_size() * static_cast<int64_t>(sizeof(double) + (exact_ ? 0 : sizeof(float)));
  }
  int64_t workspace_bytes() const override {
    const int64_t packed = (Slots(Front::kForward) + Slots(Front::kBackward)) * PackedRowSize();
    return (packed + PhaseSize() + std::max(s_.fine_width, s_.coarse_width)) * int64_t{sizeof(float)} +
           MostTaps() * int64_t{sizeof(rows::Tap) + sizeof(int64_t) + sizeof(float*) +
                                2 * sizeof(double) * rows::kMostOutputs} +
           int64_t{sizeof(int64_t)} + Repeats::Bytes(MostColumns(), coarse_block_);
  }

  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto workspace = std::make_unique<PhasesWorkspace>(Repeats(MostColumns(), coarse_block_));
    for (const Front front : {Front::kForward, Front::kBackward}) {
      PackedRows& packed = workspace->packed[static_cast<int>(front)];
      packed.rows.assign(static_cast<size_t>(Slots(front)), -1);
      packed.values.resize(static_cast<size_t>(Slots(front) * PackedRowSize()));
    }
    workspace->phases.resize(static_cast<size_t>(PhaseSize()));
    workspace->discard.resize(static_cast<size_t>(std::max(s_.fine_width, s_.coarse_width)));
    workspace->taps.reserve(static_cast<size_t>(MostTaps()));
    workspace->runs.reserve(static_cast<size_t>(MostTaps() + 1));
    workspace->sources.reserve(static_cast<size_t>(MostTaps()));
    workspace->sums.reserve(static_cast<size_t>(MostTaps() * rows::kMostOutputs));
    workspace->repeated.reserve(static_cast<size_t>(MostTaps() * rows::kMostOutputs));
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
  /// Fine rows that are packed at once.
  int64_t Slots(Front front) const { return s_.RowsToPack(Window::Kind::kGather, front); }
  int64_t PackedRowSize() const { return s_.fine_channels * stride_ * packed_width_; }
  int64_t PhaseSize() const { return rows::kMostOutputs * stride_ * merged_width_; }
  /// Of a row, or of a phase of one.
  int64_t MostColumns() const { return std::max({s_.fine_width, s_.coarse_width, merged_width_}); }
  int64_t MostRows() const { return s_.rows.most_src(s_.rows_at_once) + s_.rows_at_once; }
  int64_t MostTaps() const {
    return MostRows() * s_.columns.kernel * std::max(s_.coarse_per_group(), s_.fine_per_group());
  }
  /// Weights of a block from one column tap to the next.
  int64_t Pitch(const Block& block) const { return s_.row_taps() * block.count; }
  /// A block's weights, laid out [channel of the other side, in the group][column tap][row tap][output].
  struct BlockWeights {
    std::vector<float> floats;  ///< where not all is added in doubles
    std::vector<double> doubles;
  };

  int64_t WeightIndex(int64_t coarse, int64_t fine_in_group, int64_t row_tap, int64_t column_tap) const {
    return ((coarse * s_.fine_per_group() + fine_in_group) * s_.row_taps() + row_tap) * s_.columns.kernel +
           column_tap;
  }

  /// Splits a fine row into phases, unless the front still has it.
  const float* Pack(const RowWindow<const float>& fine, int64_t row, Front front,
                    PhasesWorkspace* workspace) const;
  /// What one pass writes: a block's channels in a row, those that need no gradient replaced by a row that
  /// nobody reads.
  struct Outputs {
    int64_t count = 0;
    float* rows[rows::kMostOutputs];
    float bias[rows::kMostOutputs];
    bool any = false;  ///< whether any is needed
  };
  static Outputs OutputsOf(const Block& block, float* const* row, const float* bias,
                           PhasesWorkspace* workspace);
  /// A row that an output sees, and through which row tap.
  struct Seen {
    int64_t row, tap;
  };
  static std::span<const float* const> Pointers(const RowWindow<const float>& window) {
    return {window.pointers, static_cast<size_t>(window.rows.size() * window.channels)};
  }
  /// Of what a pass reads.
  enum class Channels { kAll, kImage, kOthers };
  /// Channels of a group, from `first` on.
  template <class F>
  void ForChannels(Channels which, int64_t first, int64_t count, F&& f) const;
  /// Makes the taps of a pass: add_taps(Channels) for what is added alike.
  template <class F>
  void MakeTaps(bool forward, PhasesWorkspace* workspace, F&& add_taps) const;
  /// The terms of a source row for outputs of a pass: those whose column taps differ by period_ see the same
  /// values, step_ columns further on, and are one tap.
  void AddGatherTaps(const Block& block, const Seen& seen, Channels which, const RowWindow<const float>& fine,
                     Front front, PhasesWorkspace* workspace) const;
  int64_t TermsFrom(int64_t k) const { return CeilDiv(s_.columns.kernel - k, period_); }
  /// Adds a tap to a run that goes on, or begins one.
  static void AddTap(const rows::Tap& tap, PhasesWorkspace* workspace);
  void AddScatterTaps(const Block& block, const Seen& seen, Channels which, int64_t phase,
                      const RowWindow<const float>& coarse, PhasesWorkspace* workspace) const;
  /// Where coarse column 0 reads channel f of a packed row through column tap k.
  const float* PackedTap(const float* packed, int64_t f, int64_t k) const {
    const int64_t reach = k * s_.columns.dilation;
    return packed + (f * stride_ + reach % stride_) * packed_width_ + reach / stride_;
  }
  /// The columns that a pass computes, without those that repeat; `adds`: to what its outputs hold.
  std::span<const Stretch> StretchesOf(const Outputs& outputs, bool adds, PhasesWorkspace* workspace) const;
  /// The taps of a pass, with its block's weights, one column tap `step` columns after the other.
  struct Pass {
    const BlockWeights& weights;
    int64_t step, pitch;
    int64_t outputs;
    std::span<const Stretch> stretches;
  };
  void Correlate(const Pass& pass, const float* bias, float* const* dst, PhasesWorkspace* workspace) const;
  /// diff_weights of a fine row and a coarse one that it meets.
  void AddRowGradient(const Block& block, const RowWindow<const float>& fine, const Seen& seen,
                      const float* const* coarse, std::span<const Stretch> stretches, double* diff_weights,
                      PhasesWorkspace* workspace) const;
  CorrelationShape s_;
  bool exact_;        ///< all sums over taps are in doubles
  bool exact_image_;  ///< forward, those over the image's channels are
  int64_t stride_;
  int64_t period_;  ///< column taps after which one meets the same phase again
  int64_t step_;    ///< and how many columns of it further on
  std::vector<Block> coarse_blocks_;
  std::vector<Block> fine_blocks_;
  int64_t packed_width_ = 0;  ///< columns of a phase that Gather reads
  int64_t first_ = 0;         ///< index of the first column of a phase that Scatter writes
  int64_t merged_width_ = 0;  ///< and how many
  int64_t margin_ = 0;
  int64_t coarse_block_ = 1;           ///< columns that may repeat
  Repeats::Reach gathered_;            ///< what a coarse column reads of fine ones
  Repeats::Reach scattered_;           ///< and a column of a phase of coarse ones
  std::vector<BlockWeights> gather_;   ///< by coarse block
  std::vector<BlockWeights> scatter_;  ///< by fine block
};

void PhasesCorrelation::SetWeights(const float* weights) {
  gather_.clear();
  scatter_.clear();
  const int64_t kernel = s_.columns.kernel, row_taps = s_.row_taps();
  const auto add = [this](BlockWeights* packed, float weight) {
    if (!exact_) packed->floats.push_back(weight);
    packed->doubles.push_back(weight);
  };
  for (const Block& b : coarse_blocks_) {
    BlockWeights& packed = gather_.emplace_back();
    for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
      for (int64_t k = 0; k < kernel; ++k) {
        for (int64_t i = 0; i < row_taps; ++i) {
          for (int64_t o = 0; o < b.count; ++o) add(&packed, weights[WeightIndex(b.first + o, f, i, k)]);
        }
      }
    }
  }
  for (const Block& b : fine_blocks_) {
    BlockWeights& packed = scatter_.emplace_back();
    for (int64_t c = 0; c < s_.coarse_per_group(); ++c) {
      for (int64_t k = 0; k < kernel; ++k) {
        for (int64_t i = 0; i < row_taps; ++i) {
          for (int64_t o = 0; o < b.count; ++o) {
            const int64_t fine = b.first + o - b.group * s_.fine_per_group();
            add(&packed, weights[WeightIndex(b.group * s_.coarse_per_group() + c, fine, i, k)]);
          }
        }
      }
    }
  }
}

const float* PhasesCorrelation::Pack(const RowWindow<const float>& fine, int64_t row, Front front,
                                     PhasesWorkspace* workspace) const {
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

PhasesCorrelation::Outputs PhasesCorrelation::OutputsOf(const Block& block, float* const* row,
                                                        const float* bias, PhasesWorkspace* workspace) {
  Outputs outputs;
  for (int64_t c = block.first; c < block.first + block.count; ++c) {
    outputs.any = outputs.any || row[c];
    outputs.rows[outputs.count] = row[c] ? row[c] : workspace->discard.data();
    outputs.bias[outputs.count++] = bias ? bias[c] : 0;
  }
  return outputs;
}

template <class F>
void PhasesCorrelation::MakeTaps(bool forward, PhasesWorkspace* w, F&& add_taps) const {
  w->Clear();
  if (!forward || !exact_image_) return add_taps(Channels::kAll);
  add_taps(Channels::kImage);
  w->image_taps = w->taps.size();
  w->image_runs = w->runs.size();
  // The sum so far, a run of no taps: the next one is added by itself.
  w->runs.push_back(0);
  w->terms = kMostTerms;
  add_taps(Channels::kOthers);
}

template <class F>
void PhasesCorrelation::ForChannels(Channels which, int64_t first, int64_t count, F&& f) const {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t channel = first + i;
    if (which != Channels::kAll &&
        s_.image_channels[static_cast<size_t>(channel)] != (which == Channels::kImage))
      continue;
    f(channel, i);
  }
}

void PhasesCorrelation::AddTap(const rows::Tap& tap, PhasesWorkspace* workspace) {
  workspace->taps.push_back(tap);
  if (workspace->runs.empty() || workspace->terms + tap.count > kMostTerms) {
    workspace->runs.push_back(0);
    workspace->terms = 0;
  }
  ++workspace->runs.back();
  workspace->terms += tap.count;
}

std::span<const Stretch> PhasesCorrelation::StretchesOf(const Outputs& outputs, bool adds,
                                                        PhasesWorkspace* w) const {
  w->sources.clear();
  for (int64_t o = 0; adds && o < outputs.count; ++o) {
    if (outputs.rows[o] != w->discard.data()) w->sources.push_back(outputs.rows[o]);
  }
  return w->repeats.Stretches(w->sources);
}

void PhasesCorrelation::Correlate(const Pass& pass, const float* bias, float* const* dst,
                                  PhasesWorkspace* w) const {
  const rows::Taps<double> all{w->taps, w->runs, pass.weights.doubles.data(), pass.step, pass.pitch};
  rows::Taps<double> image = all;
  image.taps = all.taps.first(w->image_taps);
  image.runs = all.runs.first(w->image_runs);
  const rows::Taps<float> others{all.taps.subspan(w->image_taps), all.runs.subspan(w->image_runs),
                                 pass.weights.floats.data(), pass.step, pass.pitch};
  const auto exactly = [&](Range columns) { rows::Correlate(all, pass.outputs, bias, dst, columns); };
  const auto correlate = [&](Range columns) {
    if (exact_) return exactly(columns);
    if (image.runs.empty()) return rows::Correlate(others, pass.outputs, bias, dst, columns);
    constexpr int64_t kColumns = 2048;  // of the outputs, which stay in the cache
    for (int64_t x = columns.begin; x < columns.end; x += kColumns) {
      const Range piece{x, std::min(x + kColumns, columns.end)};
      rows::Correlate(image, pass.outputs, bias, dst, piece);
      rows::Correlate(others, pass.outputs, nullptr, dst, piece);
    }
  };
  int64_t terms = 0;
  for (const rows::Tap& tap : w->taps) terms += tap.count;
  for (const Stretch& stretch : pass.stretches) {
    if (stretch.repeats > 0) {
      exactly(stretch.columns);
    } else {
      ShareColumns(w->team, stretch.columns, terms * pass.outputs, correlate);
    }
    const int64_t n = stretch.columns.size();
    for (int64_t o = 0; o < pass.outputs; ++o) {
      float* row = dst[o] + stretch.columns.begin;
      for (int64_t i = 1; i <= stretch.repeats; ++i) std::copy(row, row + n, row + i * n);
    }
    w->skipped += terms * pass.outputs * stretch.repeats * n;
  }
}

void PhasesCorrelation::Gather(const RowWindow<const float>& fine, const float* bias,
                               const RowWindow<float>& coarse, Front front, Workspace* workspace) const {
  auto* w = static_cast<PhasesWorkspace*>(workspace);
  w->repeats.Begin(s_.coarse_width, coarse_block_);
  w->repeats.Read(Pointers(fine), s_.fine_width, gathered_);
  for (size_t i = 0; i < coarse_blocks_.size(); ++i) {
    const Block& b = coarse_blocks_[i];
    for (int64_t y = coarse.rows.begin; y < coarse.rows.end; ++y) {
      const Outputs outputs = OutputsOf(b, coarse.Row(y), bias, w);
      if (!outputs.any) continue;
      MakeTaps(bias != nullptr, w, [&](Channels which) {
        for (int64_t r = fine.rows.begin; r < fine.rows.end; ++r) {
          if (const int64_t tap = s_.Tap(y, r); tap >= 0) AddGatherTaps(b, {r, tap}, which, fine, front, w);
        }
      });
      Correlate({gather_[i], step_, period_ * Pitch(b), outputs.count, StretchesOf(outputs, !bias, w)},
                bias ? outputs.bias : nullptr, outputs.rows, w);
    }
  }
}

void PhasesCorrelation::AddGatherTaps(const Block& b, const Seen& seen, Channels which,
                                      const RowWindow<const float>& fine, Front front,
                                      PhasesWorkspace* w) const {
  const float* packed = Pack(fine, seen.row, front, w);
  ForChannels(which, b.group * s_.fine_per_group(), s_.fine_per_group(), [&](int64_t channel, int64_t f) {
    const int64_t weight = seen.tap * b.count + f * s_.columns.kernel * Pitch(b);
    for (int64_t k = 0; k < std::min(period_, s_.columns.kernel); ++k)
      AddTap({PackedTap(packed, channel, k), weight + k * Pitch(b), TermsFrom(k)}, w);
  });
}

void PhasesCorrelation::Scatter(const RowWindow<const float>& coarse, const float* bias,
                                const RowWindow<float>& fine, Workspace* workspace) const {
  auto* w = static_cast<PhasesWorkspace*>(workspace);
  w->repeats.Begin(merged_width_, coarse_block_);
  w->repeats.Read(Pointers(coarse), s_.coarse_width, scattered_);
  for (size_t i = 0; i < fine_blocks_.size(); ++i) {
    const Block& b = fine_blocks_[i];
    for (int64_t y = fine.rows.begin; y < fine.rows.end; ++y) {
      const Outputs outputs = OutputsOf(b, fine.Row(y), bias, w);
      if (!outputs.any) continue;
      // Phases are added to the fine rows when all are there.
      const Pass pass{scatter_[i], -step_, period_ * Pitch(b), outputs.count, StretchesOf(outputs, false, w)};
      for (int64_t phase = 0; phase < stride_; ++phase) {
        MakeTaps(bias != nullptr, w, [&](Channels which) {
          for (int64_t r = coarse.rows.begin; r < coarse.rows.end; ++r) {
            if (const int64_t tap = s_.Tap(r, y); tap >= 0)
              AddScatterTaps(b, {r, tap}, which, phase, coarse, w);
          }
        });
        float* parts[rows::kMostOutputs];
        for (int64_t o = 0; o < outputs.count; ++o)
          parts[o] = w->phases.data() + (o * stride_ + phase) * merged_width_;
        Correlate(pass, outputs.bias, parts, w);
      }
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

void PhasesCorrelation::AddScatterTaps(const Block& b, const Seen& seen, Channels which, int64_t phase,
                                       const RowWindow<const float>& coarse, PhasesWorkspace* w) const {
  ForChannels(which, b.group * s_.coarse_per_group(), s_.coarse_per_group(), [&](int64_t channel, int64_t c) {
    const int64_t weight = seen.tap * b.count + c * s_.columns.kernel * Pitch(b);
    for (int64_t k = 0; k < std::min(period_, s_.columns.kernel); ++k) {
      const int64_t reach = k * s_.columns.dilation;
      if (reach % stride_ == phase)
        AddTap({coarse.At(seen.row, channel) + first_ - reach / stride_, weight + k * Pitch(b), TermsFrom(k)},
               w);
    }
  });
}

void PhasesCorrelation::AddWeightGradient(const RowWindow<const float>& fine,
                                          const RowWindow<const float>& coarse, double* diff_weights,
                                          Workspace* workspace) const {
  auto* w = static_cast<PhasesWorkspace*>(workspace);
  w->repeats.Begin(s_.coarse_width, coarse_block_);
  w->repeats.Read(Pointers(fine), s_.fine_width, gathered_);
  w->repeats.Read(Pointers(coarse), s_.coarse_width, {});
  const std::span<const Stretch> stretches = w->repeats.Stretches();
  // All that a fine row meets in turn, while it is in the cache.
  for (int64_t r = fine.rows.begin; r < fine.rows.end; ++r) {
    for (const Block& b : coarse_blocks_) {
      for (int64_t y = coarse.rows.begin; y < coarse.rows.end; ++y) {
        if (const int64_t tap = s_.Tap(y, r); tap >= 0)
          AddRowGradient(b, fine, {r, tap}, coarse.Row(y), stretches, diff_weights, w);
      }
    }
  }
}

void PhasesCorrelation::AddRowGradient(const Block& b, const RowWindow<const float>& fine, const Seen& seen,
                                       const float* const* coarse, std::span<const Stretch> stretches,
                                       double* diff_weights, PhasesWorkspace* w) const {
  const std::span<const float* const> outputs(coarse + b.first, static_cast<size_t>(b.count));
  w->sources.clear();
  const float* packed = Pack(fine, seen.row, Front::kBackward, w);
  for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
    for (int64_t k = 0; k < s_.columns.kernel; ++k)
      w->sources.push_back(PackedTap(packed, b.group * s_.fine_per_group() + f, k));
  }
  w->sums.assign(w->sources.size() * outputs.size(), 0.0);
  for (const Stretch& stretch : stretches) {
    if (stretch.repeats > 0) {
      w->repeated.assign(w->sums.size(), 0.0);
      rows::Dot<double>(w->sources, outputs, stretch.columns, w->repeated.data());
      for (size_t i = 0; i < w->sums.size(); ++i)
        w->sums[i] += static_cast<double>(1 + stretch.repeats) * w->repeated[i];
      w->skipped += static_cast<int64_t>(w->sums.size()) * stretch.repeats * stretch.columns.size();
    } else if (IsExactGradient(s_)) {
      rows::Dot<double>(w->sources, outputs, stretch.columns, w->sums.data());
    } else {
      rows::Dot<float>(w->sources, outputs, stretch.columns, w->sums.data());
    }
  }
  const double* sum = w->sums.data();
  for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
    for (int64_t k = 0; k < s_.columns.kernel; ++k) {
      for (int64_t o = 0; o < b.count; ++o) diff_weights[WeightIndex(b.first + o, f, seen.tap, k)] += *sum++;
    }
  }
}

}  // namespace

std::unique_ptr<Correlation<float>> MakePhasesCorrelation(const CorrelationShape& shape) {
  return std::make_unique<PhasesCorrelation>(shape);
}

}  // namespace swath
