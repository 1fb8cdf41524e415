/// Wide layers as products of matrices. What the taps see of the fine rows is laid out as a matrix, some of
/// its rows and columns at a time, and multiplied with the weights where they lie: nothing is packed ahead,
/// so a layer has its weights in memory once. A product adds at most kMostTerms terms in float32; products
/// are added in doubles.
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/error.h"
#include "kernels/correlation.h"
#include "kernels/onednn_rows.h"
#include "kernels/rows.h"

namespace swath {
namespace {

/// The most terms that a product may add in one float32 accumulator (I4). They are added one after the other,
/// so they are fewer than the design allows.
constexpr int64_t kMostTerms = 256;
/// Coarse columns at a time.
constexpr int64_t kTile = 256;
/// And where they are the terms, in the gradient of a weight, which is a sum of a whole image's.
constexpr int64_t kColumnTerms = 64;
static_assert(kColumnTerms <= kTile);
/// Rows of a product at a time: enough to keep the processor busy, few enough to stay in its cache.
constexpr int64_t kProductRows = 192;

/// c = a · b, row-major, a of m × k, b of k × n, either of them given transposed; on this thread alone.
struct Matrix {
  const float* values;
  int64_t pitch;
  bool transposed = false;
};
void Multiply(int64_t m, int64_t n, int64_t k, const Matrix& a, const Matrix& b, float* c) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  const dnnl_status_t status = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0f,
                                          a.values, a.pitch, b.values, b.pitch, 0.0f, c, n);
  omp_set_num_threads(threads);
  if (status != dnnl_success)
    Fail(ErrorCode::kUnsupported, "oneDNN's product of {} x {} x {} failed", m, n, k);
}

/// dst = bias + sum, or dst += sum.
void Store(const double* sum, int64_t n, const float* bias, float* dst) {
  if (bias) {
    for (int64_t x = 0; x < n; ++x) dst[x] = static_cast<float>(static_cast<double>(*bias) + sum[x]);
  } else {
    for (int64_t x = 0; x < n; ++x) dst[x] = static_cast<float>(static_cast<double>(dst[x]) + sum[x]);
  }
}

struct GemmWorkspace final : Workspace {
  AlignedBuffer<float> weights;  ///< those of a product, where they do not lie together
  AlignedBuffer<float> fine;     ///< [term][coarse column]: what the taps see
  AlignedBuffer<float> coarse;   ///< [channel][column]
  AlignedBuffer<float> product;
  AlignedBuffer<double> sum;
  void Reset() override {}
};

class GemmCorrelation final : public SingleRowCorrelation<float> {
 public:
  explicit GemmCorrelation(const CorrelationShape& shape)
      : SingleRowCorrelation(shape), tile_(std::min(shape.coarse_width, kTile)) {}

  std::string_view name() const override { return "gemm"; }
  int64_t shared_bytes() const override { return onednn::RowPrimitive::kMatrixCodeBytes; }
  int64_t workspace_bytes() const override {
    return (WeightsSize() + FineSize() + CoarseSize() + ProductSize()) * int64_t{sizeof(float)} +
           SumSize() * int64_t{sizeof(double)};
  }
  std::unique_ptr<Workspace> MakeWorkspace() const override {
    auto workspace = std::make_unique<GemmWorkspace>();
    workspace->weights = AlignedBuffer<float>(WeightsSize());
    workspace->fine = AlignedBuffer<float>(FineSize());
    workspace->coarse = AlignedBuffer<float>(CoarseSize());
    workspace->product = AlignedBuffer<float>(ProductSize());
    workspace->sum = AlignedBuffer<double>(SumSize());
    return workspace;
  }

  void SetWeights(const float* weights) override { weights_ = weights; }
  void GatherRow(std::span<const TapRow<float>> fine, const float* bias, float* const* coarse, Front front,
                 Workspace* workspace) const override;
  void ScatterRow(std::span<const TapRow<float>> coarse, const float* bias, float* const* fine,
                  Workspace* workspace) const override;
  void AddRowGradient(std::span<const TapRow<float>> fine, const TapRow<float>& coarse, double* diff_weights,
                      Workspace* workspace) const override;
  double Sum(const float* row, int64_t n) const override { return rows::Sum(row, n); }

 private:
  int64_t kernel() const { return s_.columns.kernel; }
  /// Of all row taps.
  int64_t terms() const { return s_.fine_channels * s_.row_taps() * kernel(); }
  /// Fine channels whose taps are rows of one product when it scatters.
  int64_t FineChannels() const {
    return std::min(s_.fine_channels, std::max<int64_t>(1, kProductRows / kernel()));
  }
  int64_t CoarseChannels() const { return std::min(s_.coarse_channels, kProductRows); }
  /// Coarse columns that a tile of fine ones meets.
  int64_t MetColumns() const {
    return std::min(s_.coarse_width,
                    tile_ + CeilDiv((kernel() - 1) * s_.columns.dilation, s_.columns.stride));
  }

  int64_t WeightsSize() const {
    return std::max(CoarseChannels() * std::min(kMostTerms, terms()),
                    std::min(s_.coarse_channels, kMostTerms) * FineChannels() * kernel());
  }
  int64_t FineSize() const { return std::min(kMostTerms, terms()) * tile_; }
  int64_t CoarseSize() const { return std::min(s_.coarse_channels, kMostTerms) * MetColumns(); }
  int64_t ProductSize() const {
    return std::max(CoarseChannels() * std::max(tile_, std::min(kMostTerms, terms())),
                    FineChannels() * kernel() * MetColumns());
  }
  int64_t SumSize() const { return std::max(CoarseChannels(), FineChannels() * s_.columns.stride) * tile_; }

  /// A weight of one of the row taps that `fine` has; `term` counts fine channels, these taps and column
  /// taps.
  int64_t WeightIndex(int64_t coarse, int64_t term, std::span<const TapRow<float>> fine) const {
    const int64_t each = static_cast<int64_t>(fine.size()) * kernel();
    const int64_t tap = fine[static_cast<size_t>(term % each / kernel())].tap;
    return ((coarse * s_.fine_channels + term / each) * s_.row_taps() + tap) * kernel() + term % kernel();
  }
  /// Whether terms are in the order of the weights.
  bool HasAllTaps(std::span<const TapRow<float>> fine) const {
    if (static_cast<int64_t>(fine.size()) != s_.row_taps()) return false;
    for (size_t i = 0; i < fine.size(); ++i) {
      if (fine[i].tap != static_cast<int64_t>(i)) return false;
    }
    return true;
  }
  /// The weights of some coarse channels and terms.
  Matrix Weights(std::span<const TapRow<float>> fine, Range coarse, Range terms, GemmWorkspace* w) const;
  /// What coarse columns [x, x + n) see in their terms.
  void LayOut(std::span<const TapRow<float>> fine, Range terms, int64_t x, int64_t n, float* seen) const;

  int64_t tile_;
  const float* weights_ = nullptr;
};

Matrix GemmCorrelation::Weights(std::span<const TapRow<float>> fine, Range coarse, Range terms,
                                GemmWorkspace* w) const {
  const int64_t pitch = this->terms();
  if (HasAllTaps(fine)) return {weights_ + coarse.begin * pitch + terms.begin, pitch};
  float* dst = w->weights.data();
  for (int64_t c = coarse.begin; c < coarse.end; ++c) {
    for (int64_t t = terms.begin; t < terms.end;) {
      // Column taps lie together.
      const int64_t n = std::min(kernel() - t % kernel(), terms.end - t);
      const float* src = weights_ + WeightIndex(c, t, fine);
      for (int64_t i = 0; i < n; ++i) dst[i] = src[i];
      dst += n;
      t += n;
    }
  }
  return {w->weights.data(), terms.size()};
}

void GemmCorrelation::LayOut(std::span<const TapRow<float>> fine, Range terms, int64_t x, int64_t n,
                             float* seen) const {
  const int64_t each = static_cast<int64_t>(fine.size()) * kernel(), stride = s_.columns.stride;
  for (int64_t t = terms.begin; t < terms.end; ++t, seen += n) {
    const float* row = fine[static_cast<size_t>(t % each / kernel())].channels[t / each];
    const int64_t first = x * stride + t % kernel() * s_.columns.dilation - s_.columns.pad_begin;
    const int64_t begin = std::clamp<int64_t>(CeilDiv(-first, stride), 0, n),
                  end = std::clamp<int64_t>(FloorDiv(s_.fine_width - 1 - first, stride) + 1, begin, n);
    std::fill(seen, seen + begin, 0.0f);
    std::fill(seen + end, seen + n, 0.0f);
    if (stride == 1) {
      std::copy(row + first + begin, row + first + end, seen + begin);
    } else {
      for (int64_t i = begin; i < end; ++i) seen[i] = row[first + i * stride];
    }
  }
}

void GemmCorrelation::GatherRow(std::span<const TapRow<float>> fine, const float* bias, float* const* coarse,
                                Front, Workspace* workspace) const {
  auto* w = static_cast<GemmWorkspace*>(workspace);
  const int64_t all = s_.fine_channels * static_cast<int64_t>(fine.size()) * kernel();
  for (int64_t x = 0; x < s_.coarse_width; x += tile_) {
    const int64_t n = std::min(tile_, s_.coarse_width - x);
    for (int64_t c = 0; c < s_.coarse_channels; c += CoarseChannels()) {
      const int64_t channels = std::min(CoarseChannels(), s_.coarse_channels - c);
      std::fill_n(w->sum.data(), channels * n, 0.0);
      for (int64_t t = 0; t < all; t += kMostTerms) {
        const Range terms{t, std::min(t + kMostTerms, all)};
        LayOut(fine, terms, x, n, w->fine.data());
        Multiply(channels, n, terms.size(), Weights(fine, {c, c + channels}, terms, w), {w->fine.data(), n},
                 w->product.data());
        rows::AddTo(w->product.data(), channels * n, w->sum.data());
      }
      for (int64_t i = 0; i < channels; ++i) {
        if (coarse[c + i]) Store(w->sum.data() + i * n, n, bias ? bias + c + i : nullptr, coarse[c + i] + x);
      }
    }
  }
}

void GemmCorrelation::ScatterRow(std::span<const TapRow<float>> coarse, const float* bias, float* const* fine,
                                 Workspace* workspace) const {
  auto* w = static_cast<GemmWorkspace*>(workspace);
  const int64_t stride = s_.columns.stride, dilation = s_.columns.dilation, pad = s_.columns.pad_begin;
  const int64_t width = tile_ * stride;  // of a tile of fine columns
  for (int64_t a = 0; a < s_.fine_width; a += width) {
    const int64_t size = std::min(width, s_.fine_width - a);
    const int64_t x = std::clamp<int64_t>(CeilDiv(a + pad - (kernel() - 1) * dilation, stride), 0,
                                          s_.coarse_width),
                  n = std::clamp<int64_t>(FloorDiv(a + size - 1 + pad, stride) + 1, x, s_.coarse_width) - x;
    for (int64_t f = 0; f < s_.fine_channels; f += FineChannels()) {
      const int64_t channels = std::min(FineChannels(), s_.fine_channels - f);
      std::fill_n(w->sum.data(), channels * size, 0.0);
      for (const TapRow<float>& row : coarse) {
        for (int64_t c = 0; c < s_.coarse_channels && n > 0; c += kMostTerms) {
          const Range some{c, std::min(c + kMostTerms, s_.coarse_channels)};
          for (int64_t i = some.begin; i < some.end; ++i)
            std::copy_n(row.channels[i] + x, n, w->coarse.data() + (i - c) * n);
          const Matrix weights = Weights({&row, 1}, some, {f * kernel(), (f + channels) * kernel()}, w);
          Multiply(channels * kernel(), n, some.size(), {weights.values, weights.pitch, true},
                   {w->coarse.data(), n}, w->product.data());
          for (int64_t i = 0; i < channels * kernel(); ++i) {
            const float* product = w->product.data() + i * n;
            double* sum = w->sum.data() + i / kernel() * size;
            const int64_t first = x * stride + i % kernel() * dilation - pad - a;
            const int64_t begin = std::clamp<int64_t>(CeilDiv(-first, stride), 0, n),
                          end = std::clamp<int64_t>(FloorDiv(size - 1 - first, stride) + 1, begin, n);
            if (stride == 1) {
              rows::AddTo(product + begin, end - begin, sum + first + begin);
            } else {
              for (int64_t j = begin; j < end; ++j)
                sum[first + j * stride] += static_cast<double>(product[j]);
            }
          }
        }
      }
      for (int64_t i = 0; i < channels; ++i) {
        if (fine[f + i])
          Store(w->sum.data() + i * size, size, bias ? bias + f + i : nullptr, fine[f + i] + a);
      }
    }
  }
}

void GemmCorrelation::AddRowGradient(std::span<const TapRow<float>> fine, const TapRow<float>& coarse,
                                     double* diff_weights, Workspace* workspace) const {
  auto* w = static_cast<GemmWorkspace*>(workspace);
  const int64_t all = s_.fine_channels * static_cast<int64_t>(fine.size()) * kernel();
  const bool in_order = HasAllTaps(fine);
  for (int64_t x = 0; x < s_.coarse_width; x += kColumnTerms) {
    const int64_t n = std::min(kColumnTerms, s_.coarse_width - x);
    for (int64_t t = 0; t < all; t += kMostTerms) {
      const Range terms{t, std::min(t + kMostTerms, all)};
      LayOut(fine, terms, x, n, w->fine.data());
      for (int64_t c = 0; c < s_.coarse_channels; c += CoarseChannels()) {
        const int64_t channels = std::min(CoarseChannels(), s_.coarse_channels - c);
        for (int64_t i = 0; i < channels; ++i)
          std::copy_n(coarse.channels[c + i] + x, n, w->coarse.data() + i * n);
        Multiply(channels, terms.size(), n, {w->coarse.data(), n}, {w->fine.data(), n, true},
                 w->product.data());
        const float* product = w->product.data();
        for (int64_t i = 0; i < channels; ++i, product += terms.size()) {
          if (in_order) {
            rows::AddTo(product, terms.size(), diff_weights + (c + i) * all + t);
            continue;
          }
          for (int64_t k = 0; k < terms.size(); ++k)
            diff_weights[WeightIndex(c + i, t + k, fine)] += static_cast<double>(product[k]);
        }
      }
    }
  }
}

}  // namespace

std::unique_ptr<Correlation<float>> MakeGemmCorrelation(const CorrelationShape& shape) {
  return std::make_unique<GemmCorrelation>(shape);
}

}  // namespace swath
