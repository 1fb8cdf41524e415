/// Row kernel for narrow layers, in float32. A strided correlation becomes unit-stride ones over phases: the
/// columns of the fine tensor split by (column + pad) mod stride. What remains is rows::Correlate and
/// rows::Dot over lists of taps.
#include <algorithm>
#include <vector>

#include "kernels/correlation.h"
#include "kernels/rows.h"

namespace swath {
namespace {

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

struct HighwayWorkspace final : Workspace {
  PackedRows packed[2];        ///< by Front
  std::vector<float> phases;   ///< [output of a block][phase][column], before they are merged
  std::vector<float> discard;  ///< stands in for channels that need no gradient
  std::vector<rows::Tap> taps;
  std::vector<const float*> sources;
  std::vector<double> sums;

  void Reset() override {
    packed[0].Reset();
    packed[1].Reset();
  }
};

class HighwayCorrelation final : public Correlation<float> {
 public:
  explicit HighwayCorrelation(const CorrelationShape& shape)
      : s_(shape),
        stride_(shape.columns.stride),
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
  int64_t parameter_bytes() const override { return 2 * s_.weight_size() * int64_t{sizeof(float)}; }
  int64_t workspace_bytes() const override {
    const int64_t packed = (Slots(Front::kForward) + Slots(Front::kBackward)) * PackedRowSize();
    return (packed + PhaseSize() + std::max(s_.fine_width, s_.coarse_width)) * int64_t{sizeof(float)} +
           MostTaps() * int64_t{sizeof(rows::Tap) + sizeof(float*) + sizeof(double) * rows::kMostOutputs};
  }

  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto workspace = std::make_unique<HighwayWorkspace>();
    for (const Front front : {Front::kForward, Front::kBackward}) {
      PackedRows& packed = workspace->packed[static_cast<int>(front)];
      packed.rows.assign(static_cast<size_t>(Slots(front)), -1);
      packed.values.resize(static_cast<size_t>(Slots(front) * PackedRowSize()));
    }
    workspace->phases.resize(static_cast<size_t>(PhaseSize()));
    workspace->discard.resize(static_cast<size_t>(std::max(s_.fine_width, s_.coarse_width)));
    workspace->taps.reserve(static_cast<size_t>(MostTaps()));
    workspace->sources.reserve(static_cast<size_t>(MostTaps()));
    workspace->sums.reserve(static_cast<size_t>(MostTaps() * rows::kMostOutputs));
    return workspace;
  }

  void SetWeights(const float* weights) override;
  void Gather(std::span<const TapRow<float>> fine, const float* bias, float* const* coarse, Front front,
              Workspace* workspace) const override;
  void Scatter(std::span<const TapRow<float>> coarse, const float* bias, float* const* fine,
               Workspace* workspace) const override;
  void AddWeightGradient(std::span<const TapRow<float>> fine, const TapRow<float>& coarse,
                         double* diff_weights, Workspace* workspace) const override;
  double Sum(const float* row, int64_t n) const override { return rows::Sum(row, n); }

 private:
  /// Fine rows that are packed at once; with a stride of 1 there is nothing to pack.
  int64_t Slots(Front front) const { return stride_ == 1 ? 0 : s_.RowsToPack(Window::Kind::kGather, front); }
  int64_t PackedRowSize() const { return s_.fine_channels * stride_ * packed_width_; }
  int64_t PhaseSize() const { return stride_ == 1 ? 0 : rows::kMostOutputs * stride_ * merged_width_; }
  int64_t MostTaps() const {
    return s_.row_taps * s_.columns.kernel * std::max(s_.coarse_per_group(), s_.fine_per_group());
  }

  /// Offset in gather_ of a block's weights, laid out [row tap][fine channel of the group][column
  /// tap][output].
  int64_t GatherOffset(const Block& block) const {
    return block.first * s_.fine_per_group() * s_.row_taps * s_.columns.kernel;
  }
  /// The same in scatter_, laid out [row tap][coarse channel of the group][column tap][output].
  int64_t ScatterOffset(const Block& block) const {
    const int64_t size = s_.coarse_per_group() * s_.row_taps * s_.columns.kernel;
    return block.first * size;
  }
  int64_t WeightIndex(int64_t coarse, int64_t fine_in_group, int64_t row_tap, int64_t column_tap) const {
    return ((coarse * s_.fine_per_group() + fine_in_group) * s_.row_taps + row_tap) * s_.columns.kernel +
           column_tap;
  }

  /// Splits a fine row into phases, unless the front still has it.
  const float* Pack(const TapRow<float>& row, Front front, HighwayWorkspace* workspace) const;
  /// The rows of a block's channels, those that need no gradient replaced by a row that nobody reads. False
  /// if none needs any.
  static bool Outputs(const Block& block, float* const* channels, HighwayWorkspace* workspace,
                      float* (&outputs)[rows::kMostOutputs]) {
    bool any = false;
    for (int64_t o = 0; o < block.count; ++o) {
      float* channel = channels[block.first + o];
      any = any || channel;
      outputs[o] = channel ? channel : workspace->discard.data();
    }
    return any;
  }
  /// Where coarse column 0 reads channel f of a fine row through column tap k.
  const float* FineTap(const TapRow<float>& row, const float* packed, int64_t f, int64_t k) const {
    const int64_t reach = k * s_.columns.dilation;
    if (stride_ == 1) return row.channels[f] + reach - s_.columns.pad_begin;
    return packed + (f * stride_ + reach % stride_) * packed_width_ + reach / stride_;
  }

  CorrelationShape s_;
  int64_t stride_;
  std::vector<Block> coarse_blocks_;
  std::vector<Block> fine_blocks_;
  int64_t packed_width_ = 0;  ///< columns of a phase that Gather reads
  int64_t first_ = 0;         ///< index of the first column of a phase that Scatter writes
  int64_t merged_width_ = 0;  ///< and how many
  int64_t margin_ = 0;
  std::vector<float> gather_;
  std::vector<float> scatter_;
};

void HighwayCorrelation::SetWeights(const float* weights) {
  gather_.clear();
  scatter_.clear();
  for (const Block& b : coarse_blocks_) {
    for (int64_t tap = 0; tap < s_.row_taps; ++tap) {
      for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
        for (int64_t k = 0; k < s_.columns.kernel; ++k) {
          for (int64_t o = 0; o < b.count; ++o)
            gather_.push_back(weights[WeightIndex(b.first + o, f, tap, k)]);
        }
      }
    }
  }
  for (const Block& b : fine_blocks_) {
    for (int64_t tap = 0; tap < s_.row_taps; ++tap) {
      for (int64_t c = 0; c < s_.coarse_per_group(); ++c) {
        for (int64_t k = 0; k < s_.columns.kernel; ++k) {
          for (int64_t o = 0; o < b.count; ++o) {
            const int64_t fine = b.first + o - b.group * s_.fine_per_group();
            scatter_.push_back(weights[WeightIndex(b.group * s_.coarse_per_group() + c, fine, tap, k)]);
          }
        }
      }
    }
  }
}

const float* HighwayCorrelation::Pack(const TapRow<float>& row, Front front,
                                      HighwayWorkspace* workspace) const {
  if (stride_ == 1) return nullptr;
  PackedRows& packed = workspace->packed[static_cast<int>(front)];
  const int64_t slot = row.row % static_cast<int64_t>(packed.rows.size());
  float* values = packed.values.data() + slot * PackedRowSize();
  if (packed.rows[static_cast<size_t>(slot)] == row.row) return values;
  packed.rows[static_cast<size_t>(slot)] = row.row;
  std::vector<float*> phases(static_cast<size_t>(stride_));
  for (int64_t f = 0; f < s_.fine_channels; ++f) {
    for (int64_t p = 0; p < stride_; ++p)
      phases[static_cast<size_t>(p)] = values + (f * stride_ + p) * packed_width_;
    rows::Split(row.channels[f], s_.fine_width, s_.columns.pad_begin, stride_, phases.data(), packed_width_);
  }
  return values;
}

void HighwayCorrelation::Gather(std::span<const TapRow<float>> fine, const float* bias, float* const* coarse,
                                Front front, Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace*>(workspace);
  for (const Block& b : coarse_blocks_) {
    float* outputs[rows::kMostOutputs];
    if (!Outputs(b, coarse, w, outputs)) continue;
    w->taps.clear();
    for (const TapRow<float>& row : fine) {
      const float* packed = Pack(row, front, w);
      const float* weights =
          gather_.data() + GatherOffset(b) + row.tap * s_.fine_per_group() * s_.columns.kernel * b.count;
      for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
        for (int64_t k = 0; k < s_.columns.kernel; ++k, weights += b.count) {
          w->taps.push_back({FineTap(row, packed, b.group * s_.fine_per_group() + f, k), weights});
        }
      }
    }
    rows::Correlate(w->taps, b.count, bias ? bias + b.first : nullptr, outputs, s_.coarse_width);
  }
}

void HighwayCorrelation::Scatter(std::span<const TapRow<float>> coarse, const float* bias, float* const* fine,
                                 Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace*>(workspace);
  const float zeros[rows::kMostOutputs] = {};
  for (const Block& b : fine_blocks_) {
    float* outputs[rows::kMostOutputs];
    if (!Outputs(b, fine, w, outputs)) continue;
    for (int64_t phase = 0; phase < stride_; ++phase) {
      w->taps.clear();
      for (const TapRow<float>& row : coarse) {
        const float* weights = scatter_.data() + ScatterOffset(b) +
                               row.tap * s_.coarse_per_group() * s_.columns.kernel * b.count;
        for (int64_t c = 0; c < s_.coarse_per_group(); ++c) {
          const float* src = row.channels[b.group * s_.coarse_per_group() + c] + first_;
          for (int64_t k = 0; k < s_.columns.kernel; ++k, weights += b.count) {
            const int64_t reach = k * s_.columns.dilation;
            if (reach % stride_ == phase) w->taps.push_back({src - reach / stride_, weights});
          }
        }
      }
      if (stride_ == 1) {
        rows::Correlate(w->taps, b.count, bias ? bias + b.first : nullptr, outputs, s_.fine_width);
      } else {
        float* parts[rows::kMostOutputs];
        for (int64_t o = 0; o < b.count; ++o)
          parts[o] = w->phases.data() + (o * stride_ + phase) * merged_width_;
        rows::Correlate(w->taps, b.count, bias ? bias + b.first : zeros, parts, merged_width_);
      }
    }
    if (stride_ == 1) continue;
    for (int64_t o = 0; o < b.count; ++o) {
      w->sources.clear();
      for (int64_t p = 0; p < stride_; ++p)
        w->sources.push_back(w->phases.data() + (o * stride_ + p) * merged_width_);
      rows::Merge(w->sources.data(), first_, merged_width_, s_.columns.pad_begin, stride_, outputs[o],
                  s_.fine_width, bias ? rows::Store::kSet : rows::Store::kAdd);
    }
  }
}

void HighwayCorrelation::AddWeightGradient(std::span<const TapRow<float>> fine, const TapRow<float>& coarse,
                                           double* diff_weights, Workspace* workspace) const {
  auto* w = static_cast<HighwayWorkspace*>(workspace);
  for (const Block& b : coarse_blocks_) {
    w->sources.clear();
    for (const TapRow<float>& row : fine) {
      const float* packed = Pack(row, Front::kBackward, w);
      for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
        for (int64_t k = 0; k < s_.columns.kernel; ++k) {
          w->sources.push_back(FineTap(row, packed, b.group * s_.fine_per_group() + f, k));
        }
      }
    }
    w->sums.assign(w->sources.size() * static_cast<size_t>(b.count), 0.0);
    rows::Dot(w->sources, {coarse.channels + b.first, static_cast<size_t>(b.count)}, s_.coarse_width,
              w->sums.data());
    const double* sum = w->sums.data();
    for (const TapRow<float>& row : fine) {
      for (int64_t f = 0; f < s_.fine_per_group(); ++f) {
        for (int64_t k = 0; k < s_.columns.kernel; ++k) {
          for (int64_t o = 0; o < b.count; ++o)
            diff_weights[WeightIndex(b.first + o, f, row.tap, k)] += *sum++;
        }
      }
    }
  }
}

}  // namespace

std::unique_ptr<Correlation<float>> MakeHighwayCorrelation(const CorrelationShape& shape) {
  return std::make_unique<HighwayCorrelation>(shape);
}

}  // namespace swath
