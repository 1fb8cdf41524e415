/// The arithmetic that Conv and ConvTranspose share, one row at a time.
///
/// Both relate a coarse tensor (Conv's dst, ConvTranspose's src) and a fine one (Conv's src, ConvTranspose's
/// dst): coarse index x and kernel tap k meet fine index x · stride + k · dilation - pad. Three operations
/// follow:
///   Gather   coarse += W · fine      Conv forward,          ConvTranspose gradient of src
///   Scatter  fine   += Wᵀ · coarse   ConvTranspose forward, Conv gradient of src
///   AddWeightGradient                both
/// On the way back a layer hands over one row of the gradient at a time: the coarse one of a Conv, the fine
/// one of a ConvTranspose. Rows are matched by the caller (Window::Tap); columns are the kernel's business.
/// Weights have ONNX's layout, which in these words is the same for both operators: [coarse channel, fine
/// channel / groups, row tap, column tap].
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "geometry/window.h"
#include "layers/layer.h"

namespace swath {

/// Which of its two memories of packed rows a kernel uses: the forward and the backward front are at
/// different rows.
enum class Front { kForward, kBackward };

struct CorrelationShape {
  int64_t coarse_channels = 0;
  int64_t fine_channels = 0;
  int64_t coarse_width = 0;
  int64_t fine_width = 0;
  int64_t groups = 1;
  int64_t row_taps = 1;
  int64_t window_rows =
      1;                 ///< rows of what the layer reads that are in its window at once, dilation included
  Window columns;        ///< its kind says which way is forward: Gather for Conv, Scatter for ConvTranspose
  bool backward = true;  ///< false: prediction only, no memory for the way back
  bool pack_weights = true;  ///< false: no second copy of the weights, at the cost of time

  /// Rows that a kernel may keep packed of the fine tensor (kGather) or the coarse one (kScatter): a window
  /// of the tensor that the layer reads, on either front; of the other one's gradient a row.
  int64_t RowsToPack(Window::Kind tensor, Front front) const {
    if (front == Front::kBackward && !backward) return 0;
    return columns.kind == tensor ? window_rows : front == Front::kBackward ? 1 : 0;
  }
  int64_t coarse_per_group() const { return coarse_channels / groups; }
  int64_t fine_per_group() const { return fine_channels / groups; }
  int64_t weight_size() const { return coarse_channels * fine_per_group() * row_taps * columns.kernel; }
};

/// One source row and the row tap through which it is seen. `row` identifies it among the rows of its tensor,
/// so that a kernel may keep what it packed.
template <class T>
struct TapRow {
  int64_t row = 0;
  int64_t tap = 0;
  const T* const* channels = nullptr;
};

template <class T>
class Correlation {
 public:
  virtual ~Correlation() = default;
  virtual std::string_view name() const = 0;
  /// Zeros that must be readable left and right of every row.
  virtual int64_t margin() const { return 0; }
  virtual int64_t parameter_bytes() const { return 0; }
  virtual int64_t shared_bytes() const { return 0; }
  virtual int64_t workspace_bytes() const { return 0; }
  virtual std::unique_ptr<Workspace> MakeWorkspace() const { return nullptr; }

  virtual void SetWeights(const float* weights) = 0;

  /// coarse = bias + Σ over rows; with no bias, adds to coarse. Null coarse channels are skipped.
  virtual void Gather(std::span<const TapRow<T>> fine, const float* bias, T* const* coarse, Front front,
                      Workspace* workspace) const = 0;
  /// fine = bias + Σ over rows; with no bias, adds to fine. Null fine channels are skipped.
  virtual void Scatter(std::span<const TapRow<T>> coarse, const float* bias, T* const* fine,
                       Workspace* workspace) const = 0;
  /// diff_weights += coarse ⊗ fine, for every fine row and its tap; that of the coarse row is not looked at.
  virtual void AddWeightGradient(std::span<const TapRow<T>> fine, const TapRow<T>& coarse,
                                 double* diff_weights, Workspace* workspace) const = 0;
  /// Sum of n values, in doubles.
  virtual double Sum(const T* row, int64_t n) const = 0;
};

/// The kernel for a shape: the table that says which is good for what, in choice.cc.
template <class T>
std::unique_ptr<Correlation<T>> ChooseCorrelation(const CorrelationShape& shape);

std::unique_ptr<Correlation<double>> MakeReferenceCorrelation(const CorrelationShape& shape);
std::unique_ptr<Correlation<float>> MakeHighwayCorrelation(const CorrelationShape& shape);
/// For one group only.
std::unique_ptr<Correlation<float>> MakeOneDnnCorrelation(const CorrelationShape& shape);
/// For one group only. Weights stay where they are: they must outlive the kernel's use.
std::unique_ptr<Correlation<float>> MakeGemmCorrelation(const CorrelationShape& shape);

}  // namespace swath
