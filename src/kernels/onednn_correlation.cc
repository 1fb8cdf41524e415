/// Wide layers, by oneDNN: a convolution of single rows for every row tap. Rows come as [channel, column] and
/// are packed to [column, channel] once for the window that moves over them, in float32 or, where the layer
/// and the processor allow, in bfloat16; sums over row taps are doubles. A row is shared out among the
/// threads of a team by channels of what is computed.
#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/team.h"
#include "kernels/correlation.h"
#include "kernels/onednn_rows.h"
#include "kernels/rows.h"

namespace swath {
namespace {

using onednn::Operation;
using onednn::RowPrimitive;
using onednn::RowShape;

/// The most terms that oneDNN may add in one float32 accumulator (I4): over channels and column taps, and
/// over columns for the gradient of a weight.
constexpr int64_t kMostTerms = 512;

/// Channels of one tensor cut into slices of one size, the last filled up with channels of zeros.
struct Slices {
  /// Each has at most kMostTerms terms, `each` a channel.
  static Slices OfTerms(int64_t all, int64_t each) {
    const int64_t most = std::min(all, CeilDiv(all * each, kMostTerms));
    return {all, most, CeilDiv(all, most)};
  }
  /// What threads take in turns: enough for a few of them, and not too narrow for oneDNN. The number of
  /// threads has no part in it, so that bits do not depend on it.
  static Slices OfWork(int64_t all) {
    constexpr int64_t kMost = 4, kVector = 16, kFewestVectors = 2;
    const int64_t vectors = CeilDiv(all, kVector),
                  wanted = std::clamp<int64_t>(vectors / kFewestVectors, 1, kMost);
    const int64_t each = std::min(all, CeilDiv(vectors, wanted) * kVector);
    return {all, CeilDiv(all, each), each};
  }

  int64_t channels;
  int64_t count;
  int64_t size;

  int64_t padded() const { return count * size; }
  /// The channels of slice i, and those that fill it up.
  Range Filled(int64_t i) const { return {i * size, (i + 1) * size}; }
  /// The channels of slice i that are there.
  Range At(int64_t i) const { return {std::min(i * size, channels), std::min((i + 1) * size, channels)}; }
};

template <class Value>
constexpr onednn::Factor kFactor =
    std::is_same_v<Value, BFloat16> ? onednn::Factor::kBFloat16 : onednn::Factor::kFloat32;

/// Rows of one tensor in oneDNN's layout, [slot][slice][column][channel of the slice], kept for the front
/// that moves over them.
template <class Value>
class PackedRows {
 public:
  struct Layout {
    int64_t slots;
    Slices slices;
    int64_t packed_width;
    int64_t first;  ///< the packed column of column 0; others are zero
    int64_t width;

    int64_t slice_size() const { return slices.size * packed_width; }
    int64_t row_size() const { return slices.padded() * packed_width; }
    int64_t bytes() const { return slots * row_size() * int64_t{sizeof(Value)}; }
  };

  explicit PackedRows(const Layout& layout)
      : layout_(layout),
        keys_(static_cast<size_t>(layout.slots)),
        values_(layout.slots * layout.row_size()) {}

  void Reset() { std::fill(keys_.begin(), keys_.end(), Key{}); }

  /// The row, packed unless it is there already. Rows of the gradients of several cotangents have the same
  /// number, but not the same place.
  Value* Get(int64_t row, const float* const* channels) {
    const int64_t slot = row % layout_.slots;
    Value* packed = values_.data() + slot * layout_.row_size();
    const Key key{row, channels[0]};
    if (std::exchange(keys_[static_cast<size_t>(slot)], key) == key) return packed;
    // The columns that a kernel sees at all.
    const int64_t begin = std::max<int64_t>(0, -layout_.first),
                  end = std::min(layout_.width, layout_.packed_width - layout_.first);
    for (int64_t i = 0; i < layout_.slices.count && begin < end; ++i) {
      const Range slice = layout_.slices.At(i);
      rows::Interleave({channels + slice.begin, static_cast<size_t>(slice.size())}, begin, end - begin,
                       layout_.slices.size,
                       packed + i * layout_.slice_size() + (begin + layout_.first) * layout_.slices.size);
    }
    return packed;
  }

 private:
  struct Key {
    int64_t row = -1;
    const float* place = nullptr;
    friend bool operator==(const Key&, const Key&) = default;
  };

  Layout layout_;
  std::vector<Key> keys_;
  AlignedBuffer<Value> values_;
};

template <class Value>
struct OneDnnWorkspace final : Workspace {
  std::vector<PackedRows<Value>> fine, coarse;  ///< by Front
  /// Of one thread.
  struct Buffers {
    AlignedBuffer<float> result;  ///< of one primitive
    AlignedBuffer<float> plain;   ///< gradients of weights, [coarse, fine, row tap, column tap]
    AlignedBuffer<double> sum;    ///< over row taps and slices
    AlignedBuffer<std::byte> scratch;
  };
  std::vector<Buffers> buffers;

  void Reset() override {
    for (PackedRows<Value>& rows : fine) rows.Reset();
    for (PackedRows<Value>& rows : coarse) rows.Reset();
  }
};

/// Value: what factors are packed as.
template <class Value>
class OneDnnCorrelation final : public SingleRowCorrelation<float> {
 public:
  explicit OneDnnCorrelation(const CorrelationShape& shape)
      : SingleRowCorrelation<float>(shape),
        fine_(Slices::OfTerms(shape.fine_channels, shape.columns.kernel)),
        coarse_(Slices::OfTerms(shape.coarse_channels, CeilDiv(shape.columns.kernel, shape.columns.stride))),
        fine_work_(Slices::OfWork(shape.fine_channels)),
        coarse_work_(Slices::OfWork(shape.coarse_channels)),
        panel_(std::min(shape.coarse_width, kMostTerms)) {
    // A prediction goes one way only.
    const bool gathers = shape.columns.kind == Window::Kind::kGather;
    if (gathers || shape.backward)
      gather_.emplace(Operation::kGather, Shape(coarse_work_.size, fine_.size, shape.coarse_width),
                      kFactor<Value>);
    if (!gathers || shape.backward)
      scatter_.emplace(Operation::kScatter, Shape(coarse_.size, fine_work_.size, shape.coarse_width),
                       kFactor<Value>);
    for (const int64_t width : {panel_, shape.coarse_width % panel_}) {
      if (width > 0 && shape.backward)
        weight_gradients_.emplace_back(Operation::kWeightGradient, Shape(coarse_.size, fine_.size, width),
                                       kFactor<Value>);
    }
  }

  std::string_view name() const override {
    return std::is_same_v<Value, BFloat16> ? kBFloat16Kernel : "onednn";
  }
  int64_t parameter_bytes() const override {
    int64_t code = (gather_ ? gather_->code_bytes() : 0) + (scatter_ ? scatter_->code_bytes() : 0);
    for (const RowPrimitive& primitive : weight_gradients_) code += primitive.code_bytes();
    return GatherBytes() + ScatterBytes() + code;
  }
  int64_t shared_bytes() const override {
    int64_t bytes =
        std::max(gather_ ? gather_->matrix_code_bytes() : 0, scatter_ ? scatter_->matrix_code_bytes() : 0);
    for (const RowPrimitive& primitive : weight_gradients_)
      bytes = std::max(bytes, primitive.matrix_code_bytes());
    return bytes;
  }
  int64_t workspace_bytes() const override {
    int64_t bytes = s_.team * ((ResultSize() + PlainSize()) * int64_t{sizeof(float)} +
                               SumSize() * int64_t{sizeof(double)} + ScratchBytes());
    for (const Front front : {Front::kForward, Front::kBackward})
      bytes += FineLayout(front).bytes() + CoarseLayout(front).bytes();
    return bytes;
  }
  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto workspace = std::make_unique<OneDnnWorkspace<Value>>();
    for (const Front front : {Front::kForward, Front::kBackward}) {
      workspace->fine.emplace_back(FineLayout(front));
      workspace->coarse.emplace_back(CoarseLayout(front));
    }
    for (int64_t i = 0; i < s_.team; ++i) {
      workspace->buffers.push_back({AlignedBuffer<float>(ResultSize()), AlignedBuffer<float>(PlainSize()),
                                    AlignedBuffer<double>(SumSize()),
                                    AlignedBuffer<std::byte>(ScratchBytes())});
    }
    return workspace;
  }

  void SetWeights(const float* weights) override;
  void GatherRow(std::span<const TapRow<float>> fine, const float* bias, float* const* coarse, Front front,
                 Workspace* workspace) const override;
  void ScatterRow(std::span<const TapRow<float>> coarse, const float* bias, float* const* fine,
                  Workspace* workspace) const override;
  void AddRowGradient(std::span<const TapRow<float>> fine, const TapRow<float>& coarse, double* diff_weights,
                      Workspace* workspace) const override;
  double Sum(const float* row, int64_t n) const override { return rows::Sum(row, n); }

 private:
  RowShape Shape(int64_t coarse_channels, int64_t fine_channels, int64_t coarse_width) const {
    return {.coarse_channels = coarse_channels,
            .fine_channels = fine_channels,
            .coarse_width = coarse_width,
            .kernel = s_.columns.kernel,
            .stride = s_.columns.stride,
            .dilation = s_.columns.dilation,
            .row_taps = s_.row_taps()};
  }
  int64_t PackedWidth() const { return Shape(1, 1, s_.coarse_width).fine_width(); }

  typename PackedRows<Value>::Layout FineLayout(Front front) const {
    return {.slots = s_.RowsToPack(Window::Kind::kGather, front),
            .slices = fine_,
            .packed_width = PackedWidth(),
            .first = s_.columns.pad_begin,
            .width = s_.fine_width};
  }
  typename PackedRows<Value>::Layout CoarseLayout(Front front) const {
    return {.slots = s_.RowsToPack(Window::Kind::kScatter, front),
            .slices = coarse_,
            .packed_width = s_.coarse_width,
            .first = 0,
            .width = s_.coarse_width};
  }
  int64_t GatherBytes() const {
    return gather_ ? s_.row_taps() * fine_.count * coarse_work_.count * gather_->weight_bytes() : 0;
  }
  int64_t ScatterBytes() const {
    return scatter_ ? s_.row_taps() * coarse_.count * fine_work_.count * scatter_->weight_bytes() : 0;
  }
  int64_t SumSize() const {
    return std::max(gather_ ? coarse_work_.size * s_.coarse_width : 0,
                    scatter_ ? fine_work_.size * PackedWidth() : 0);
  }
  int64_t ResultSize() const {
    return s_.backward ? std::max(SumSize(), CeilDiv(weight_gradients_.front().weight_bytes(),
                                                     static_cast<int64_t>(sizeof(float))))
                       : SumSize();
  }
  int64_t PlainSize() const {
    return s_.backward ? s_.row_taps() * coarse_.size * fine_.size * s_.columns.kernel : 0;
  }
  int64_t ScratchBytes() const {
    int64_t bytes =
        std::max(gather_ ? gather_->scratch_bytes() : 0, scatter_ ? scatter_->scratch_bytes() : 0);
    for (const RowPrimitive& primitive : weight_gradients_)
      bytes = std::max(bytes, primitive.scratch_bytes());
    return bytes;
  }

  /// Of a slice of what is read and one of what is written.
  std::byte* GatherWeights(int64_t tap, int64_t slice, int64_t work) const {
    const int64_t i = (tap * fine_.count + slice) * coarse_work_.count + work;
    return gather_weights_.data() + i * gather_->weight_bytes();
  }
  std::byte* ScatterWeights(int64_t tap, int64_t slice, int64_t work) const {
    const int64_t i = (tap * coarse_.count + slice) * fine_work_.count + work;
    return scatter_weights_.data() + i * scatter_->weight_bytes();
  }
  /// Of [coarse channel, fine channel, row tap, column tap], ONNX's layout.
  int64_t WeightIndex(int64_t coarse, int64_t fine, int64_t tap) const {
    return ((coarse * s_.fine_channels + fine) * s_.row_taps() + tap) * s_.columns.kernel;
  }
  using Buffers = typename OneDnnWorkspace<Value>::Buffers;
  /// A row as it is packed, and the tap through which it is seen.
  struct PackedTap {
    Value* values;
    int64_t tap;
  };
  static std::vector<PackedTap> Pack(std::span<const TapRow<float>> taps, PackedRows<Value>* rows) {
    std::vector<PackedTap> packed;
    for (const TapRow<float>& row : taps) packed.push_back({rows->Get(row.row, row.channels), row.tap});
    return packed;
  }
  /// A slice of channels of a row, as one thread computes it.
  void GatherSlice(std::span<const PackedTap> fine, int64_t work, const float* bias, float* const* coarse,
                   Buffers* b) const;
  void ScatterSlice(std::span<const PackedTap> coarse, int64_t work, const float* bias, float* const* fine,
                    Buffers* b) const;
  /// Adds the gradients of the weights between slice c of the coarse tensor and slice f of the fine one.
  void AddSliceGradient(std::span<const PackedTap> fine, Value* coarse, int64_t c, int64_t f,
                        double* diff_weights, Buffers* b) const;
  /// sums += what a primitive made of a slice of either tensor, with each of the fine rows: all at once,
  /// where all row taps are there.
  void AddSlice(const float* gradients, Range coarse, Range fine, std::span<const PackedTap> rows,
                double* sums) const;

  Slices fine_, coarse_;            ///< of what is read
  Slices fine_work_, coarse_work_;  ///< of what is written
  int64_t panel_;                   ///< coarse columns whose products are added in float32
  std::optional<RowPrimitive> gather_, scatter_;
  std::vector<RowPrimitive> weight_gradients_;  ///< of a whole panel; of what remains at the end of a row
  // oneDNN takes no pointers to const, though it only reads.
  mutable AlignedBuffer<std::byte> gather_weights_, scatter_weights_;  ///< [row tap][slice]
};

template <class Value>
void OneDnnCorrelation<Value>::SetWeights(const float* weights) {
  if (gather_weights_.size() != GatherBytes()) gather_weights_ = AlignedBuffer<std::byte>(GatherBytes());
  if (scatter_weights_.size() != ScatterBytes()) scatter_weights_ = AlignedBuffer<std::byte>(ScatterBytes());
  std::vector<float> plain;
  // The weights of a row tap between some channels; zero for channels that only fill a slice up.
  const auto cut = [&](int64_t tap, Range coarse, Range fine) {
    plain.assign(static_cast<size_t>(coarse.size() * fine.size() * s_.columns.kernel), 0.0f);
    for (int64_t c = coarse.begin; c < std::min(coarse.end, s_.coarse_channels); ++c) {
      for (int64_t f = fine.begin; f < std::min(fine.end, s_.fine_channels); ++f) {
        const int64_t at = (c - coarse.begin) * fine.size() + f - fine.begin;
        std::copy_n(weights + WeightIndex(c, f, tap), s_.columns.kernel,
                    plain.data() + at * s_.columns.kernel);
      }
    }
    return plain.data();
  };
  for (int64_t tap = 0; tap < s_.row_taps(); ++tap) {
    for (int64_t i = 0; i < fine_.count * coarse_work_.count && gather_; ++i) {
      const int64_t f = i / coarse_work_.count, c = i % coarse_work_.count;
      gather_->Pack(cut(tap, coarse_work_.Filled(c), fine_.Filled(f)), GatherWeights(tap, f, c));
    }
    for (int64_t i = 0; i < coarse_.count * fine_work_.count && scatter_; ++i) {
      const int64_t c = i / fine_work_.count, f = i % fine_work_.count;
      scatter_->Pack(cut(tap, coarse_.Filled(c), fine_work_.Filled(f)), ScatterWeights(tap, c, f));
    }
  }
}

template <class Value>
void OneDnnCorrelation<Value>::GatherRow(std::span<const TapRow<float>> fine, const float* bias,
                                         float* const* coarse, Front front, Workspace* workspace) const {
  auto* w = static_cast<OneDnnWorkspace<Value>*>(workspace);
  const std::vector<PackedTap> packed = Pack(fine, &w->fine[static_cast<size_t>(front)]);
  for (int64_t i = 0; i < coarse_work_.count; ++i) {
    Share(w->team, [=, this](int64_t thread) {
      GatherSlice(packed, i, bias, coarse, &w->buffers[static_cast<size_t>(thread)]);
    });
  }
}

template <class Value>
void OneDnnCorrelation<Value>::GatherSlice(std::span<const PackedTap> fine, int64_t work, const float* bias,
                                           float* const* coarse, Buffers* b) const {
  const int64_t size = coarse_work_.size * s_.coarse_width;
  std::fill_n(b->sum.data(), size, 0.0);
  for (const PackedTap& row : fine) {
    for (int64_t i = 0; i < fine_.count; ++i) {
      gather_->Run(b->result.data(), row.values + i * fine_.size * PackedWidth(),
                   GatherWeights(row.tap, i, work), b->scratch.data());
      rows::AddTo(b->result.data(), size, b->sum.data());
    }
  }
  const Range channels = coarse_work_.At(work);
  std::vector<float*> dst(static_cast<size_t>(coarse_work_.size), nullptr);
  std::copy(coarse + channels.begin, coarse + channels.end, dst.begin());
  rows::AddInterleaved(b->sum.data(), dst, bias ? bias + channels.begin : nullptr, s_.coarse_width);
}

template <class Value>
void OneDnnCorrelation<Value>::ScatterRow(std::span<const TapRow<float>> coarse, const float* bias,
                                          float* const* fine, Workspace* workspace) const {
  auto* w = static_cast<OneDnnWorkspace<Value>*>(workspace);
  // Only a forward pass has a bias to set.
  const Front front = bias ? Front::kForward : Front::kBackward;
  const std::vector<PackedTap> packed = Pack(coarse, &w->coarse[static_cast<size_t>(front)]);
  for (int64_t i = 0; i < fine_work_.count; ++i) {
    Share(w->team, [=, this](int64_t thread) {
      ScatterSlice(packed, i, bias, fine, &w->buffers[static_cast<size_t>(thread)]);
    });
  }
}

template <class Value>
void OneDnnCorrelation<Value>::ScatterSlice(std::span<const PackedTap> coarse, int64_t work,
                                            const float* bias, float* const* fine, Buffers* b) const {
  const int64_t size = fine_work_.size * PackedWidth();
  std::fill_n(b->sum.data(), size, 0.0);
  for (const PackedTap& row : coarse) {
    for (int64_t i = 0; i < coarse_.count; ++i) {
      scatter_->Run(row.values + i * coarse_.size * s_.coarse_width, b->result.data(),
                    ScatterWeights(row.tap, i, work), b->scratch.data());
      rows::AddTo(b->result.data(), size, b->sum.data());
    }
  }
  // Columns of the image that no tap reaches have the bias alone.
  const int64_t pad = s_.columns.pad_begin, begin = std::max<int64_t>(0, -pad),
                end = std::clamp(PackedWidth() - pad, begin, s_.fine_width);
  const Range channels = fine_work_.At(work);
  std::vector<float*> inside(static_cast<size_t>(fine_work_.size), nullptr);
  for (int64_t f = channels.begin; f < channels.end; ++f) {
    if (!fine[f]) continue;
    if (bias) {
      std::fill(fine[f], fine[f] + begin, bias[f]);
      std::fill(fine[f] + end, fine[f] + s_.fine_width, bias[f]);
    }
    inside[static_cast<size_t>(f - channels.begin)] = fine[f] + begin;
  }
  rows::AddInterleaved(b->sum.data() + (begin + pad) * fine_work_.size, inside,
                       bias ? bias + channels.begin : nullptr, end - begin);
}

template <class Value>
void OneDnnCorrelation<Value>::AddRowGradient(std::span<const TapRow<float>> fine,
                                              const TapRow<float>& coarse, double* diff_weights,
                                              Workspace* workspace) const {
  auto* w = static_cast<OneDnnWorkspace<Value>*>(workspace);
  constexpr size_t kFront = static_cast<size_t>(Front::kBackward);
  Value* packed_coarse = w->coarse[kFront].Get(coarse.row, coarse.channels);
  const std::vector<PackedTap> packed = Pack(fine, &w->fine[kFront]);
  const auto share = [&](int64_t c, int64_t f, std::vector<PackedTap> rows) {
    Share(w->team, [=, this, some = std::move(rows)](int64_t thread) {
      AddSliceGradient(some, packed_coarse, c, f, diff_weights, &w->buffers[static_cast<size_t>(thread)]);
    });
  };
  // There is no other way to share out a single pair of slices.
  if (w->team && coarse_.count * fine_.count == 1) {
    for (const PackedTap& row : packed) share(0, 0, {row});
    return;
  }
  for (int64_t i = 0; i < coarse_.count * fine_.count; ++i) share(i / fine_.count, i % fine_.count, packed);
}

template <class Value>
void OneDnnCorrelation<Value>::AddSliceGradient(std::span<const PackedTap> fine, Value* coarse, int64_t c,
                                                int64_t f, double* diff_weights, Buffers* b) const {
  for (int64_t x = 0; x < s_.coarse_width; x += panel_) {
    const RowPrimitive& primitive = weight_gradients_[s_.coarse_width - x >= panel_ ? 0 : 1];
    for (const PackedTap& row : fine) {
      primitive.Run(coarse + (c * s_.coarse_width + x) * coarse_.size,
                    row.values + (f * PackedWidth() + x * s_.columns.stride) * fine_.size, b->result.data(),
                    b->scratch.data());
      primitive.Unpack(b->result.data(), b->plain.data() + row.tap * s_.columns.kernel);
    }
    AddSlice(b->plain.data(), coarse_.At(c), fine_.At(f), fine, diff_weights);
  }
}

template <class Value>
void OneDnnCorrelation<Value>::AddSlice(const float* gradients, Range coarse, Range fine,
                                        std::span<const PackedTap> rows, double* sums) const {
  const int64_t kernel = s_.columns.kernel, all = s_.row_taps() * kernel;
  for (int64_t c = coarse.begin; c < coarse.end; ++c) {
    const float* value = gradients + (c - coarse.begin) * fine_.size * all;
    double* sum = sums + WeightIndex(c, fine.begin, 0);
    if (static_cast<int64_t>(rows.size()) == s_.row_taps()) {
      swath::rows::AddTo(value, fine.size() * all, sum);
      continue;
    }
    for (const PackedTap& row : rows) {
      for (int64_t i = row.tap * kernel; i < fine.size() * all; i += all) {
        for (int64_t k = i; k < i + kernel; ++k) sum[k] += static_cast<double>(value[k]);
      }
    }
  }
}

}  // namespace

std::unique_ptr<Correlation<float>> MakeOneDnnCorrelation(const CorrelationShape& shape) {
  if (shape.bfloat16 && onednn::HasBFloat16()) return std::make_unique<OneDnnCorrelation<BFloat16>>(shape);
  return std::make_unique<OneDnnCorrelation<float>>(shape);
}

}  // namespace swath
