/// The arithmetic that Conv and ConvTranspose share, a few rows at a time.
///
/// Both relate a coarse tensor (Conv's dst, ConvTranspose's src) and a fine one (Conv's src, ConvTranspose's
/// dst): coarse index x and kernel tap k meet fine index x · stride + k · dilation - pad. Three operations
/// follow:
///   Gather   coarse += W · fine      Conv forward,          ConvTranspose gradient of src
///   Scatter  fine   += Wᵀ · coarse   ConvTranspose forward, Conv gradient of src
///   AddWeightGradient                both
/// Each takes windows of rows of both tensors and lets every two rows meet that do; what it hands out to the
/// workspace's team may not be done when it returns. Weights have ONNX's layout, which in these words is the
/// same for both operators: [coarse channel, fine channel / groups, row tap, column tap].
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "geometry/window.h"
#include "layers/layer.h"
#include "tensor/row_window.h"

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
  Window rows;     ///< its kind says which way is forward: Gather for Conv, Scatter for ConvTranspose
  Window columns;  ///< of the same kind
  int64_t rows_at_once = 1;          ///< the most of what the layer writes that a call is for
  bool backward = true;              ///< false: prediction only, no memory for the way back
  bool pack_weights = true;          ///< false: no second copy of the weights, at the cost of time
  std::vector<bool> image_channels;  ///< KernelContext's; empty where none is
  int64_t team = 1;                  ///< KernelContext's
  bool bfloat16 = false;             ///< KernelContext's
  bool relu = false;                 ///< KernelContext's
  int64_t multiply_adds = KernelContext::kManyMultiplyAdds;  ///< KernelContext's

  /// Rows that a kernel may keep packed of the fine tensor (kGather) or the coarse one (kScatter): a window
  /// of the tensor that the layer reads, on either front; of the other one's gradient those of a call.
  int64_t RowsToPack(Window::Kind tensor, Front front) const {
    if (front == Front::kBackward && !backward) return 0;
    if (rows.kind == tensor) return rows.most_src(rows_at_once);
    return front == Front::kBackward ? rows_at_once : 0;
  }
  int64_t row_taps() const { return rows.kernel; }
  int64_t coarse_per_group() const { return coarse_channels / groups; }
  int64_t fine_per_group() const { return fine_channels / groups; }
  int64_t weight_size() const { return coarse_channels * fine_per_group() * rows.kernel * columns.kernel; }
  /// The row tap through which two rows meet, or -1.
  int64_t Tap(int64_t coarse, int64_t fine) const {
    return rows.kind == Window::Kind::kGather ? rows.Tap(coarse, fine) : rows.Tap(fine, coarse);
  }
};

template <class T>
class Correlation {
 public:
  virtual ~Correlation() = default;
  virtual std::string_view name() const = 0;
  /// Whether what it makes with a bias is not less than 0, as CorrelationShape::relu asks.
  virtual bool applies_relu() const { return false; }
  /// Whether Pull takes gates.
  virtual bool applies_gates() const { return false; }
  /// Zeros that must be readable left and right of every row.
  virtual int64_t margin() const { return 0; }
  virtual int64_t parameter_bytes() const { return 0; }
  virtual int64_t shared_bytes() const { return 0; }
  virtual int64_t workspace_bytes() const { return 0; }
  virtual std::unique_ptr<Workspace> MakeWorkspace() const { return nullptr; }

  virtual void SetWeights(const float* weights) = 0;

  /// coarse = bias + Σ over the fine rows that meet it, for each of the coarse rows; with no bias, adds to
  /// coarse. Null coarse channels are skipped.
  virtual void Gather(const RowWindow<const T>& fine, const float* bias, const RowWindow<T>& coarse,
                      Front front, Workspace* workspace) const = 0;
  /// fine = bias + Σ over the coarse rows that meet it; with no bias, adds to fine. Null fine channels are
  /// skipped.
  virtual void Scatter(const RowWindow<const T>& coarse, const float* bias, const RowWindow<T>& fine,
                       Workspace* workspace) const = 0;
  /// Scatter for the gradient of what a layer reads, which is set instead of added to. Where there are
  /// `gates`, [row][channel] of fine, it is 0 where they are not above 0; only for a kernel that
  /// applies_gates.
  virtual void Pull(const RowWindow<const T>& coarse, [[maybe_unused]] const T* const* gates,
                    const RowWindow<T>& fine, Workspace* workspace) const {
    for (int64_t i = 0; i < fine.rows.size() * fine.channels; ++i) {
      if (fine.pointers[i]) std::fill_n(fine.pointers[i], fine.width, T(0));
    }
    Scatter(coarse, nullptr, fine, workspace);
  }
  /// diff_weights += coarse ⊗ fine, for all rows that meet.
  virtual void AddWeightGradient(const RowWindow<const T>& fine, const RowWindow<const T>& coarse,
                                 double* diff_weights, Workspace* workspace) const = 0;
  /// Sum of n values, in doubles.
  virtual double Sum(const T* row, int64_t n) const = 0;
};

/// One source row and the row tap through which it is seen. `row` identifies it among the rows of its tensor,
/// so that a kernel may keep what it packed.
template <class T>
struct TapRow {
  int64_t row = 0;
  int64_t tap = 0;
  const T* const* channels = nullptr;
};

/// For kernels that make one row at a time.
template <class T>
class SingleRowCorrelation : public Correlation<T> {
 public:
  explicit SingleRowCorrelation(const CorrelationShape& shape) : s_(shape) {}

  void Gather(const RowWindow<const T>& fine, const float* bias, const RowWindow<T>& coarse, Front front,
              Workspace* workspace) const final {
    for (int64_t y = coarse.rows.begin; y < coarse.rows.end; ++y)
      GatherRow(FineTaps(y, fine), bias, coarse.Row(y), front, workspace);
  }
  void Scatter(const RowWindow<const T>& coarse, const float* bias, const RowWindow<T>& fine,
               Workspace* workspace) const final {
    for (int64_t y = fine.rows.begin; y < fine.rows.end; ++y) {
      const std::vector<TapRow<T>> taps = Taps(coarse, [&](int64_t r) { return s_.Tap(r, y); });
      if (bias || !taps.empty()) ScatterRow(taps, bias, fine.Row(y), workspace);
    }
  }
  void AddWeightGradient(const RowWindow<const T>& fine, const RowWindow<const T>& coarse,
                         double* diff_weights, Workspace* workspace) const final {
    for (int64_t y = coarse.rows.begin; y < coarse.rows.end; ++y)
      AddRowGradient(FineTaps(y, fine), {y, 0, coarse.Row(y)}, diff_weights, workspace);
  }

 protected:
  virtual void GatherRow(std::span<const TapRow<T>> fine, const float* bias, T* const* coarse, Front front,
                         Workspace* workspace) const = 0;
  virtual void ScatterRow(std::span<const TapRow<T>> coarse, const float* bias, T* const* fine,
                          Workspace* workspace) const = 0;
  /// The tap of the coarse row is not looked at.
  virtual void AddRowGradient(std::span<const TapRow<T>> fine, const TapRow<T>& coarse, double* diff_weights,
                              Workspace* workspace) const = 0;

  CorrelationShape s_;

 private:
  /// The rows of a window that have a tap, tap_of(row) >= 0.
  template <class F>
  static std::vector<TapRow<T>> Taps(const RowWindow<const T>& window, F&& tap_of) {
    std::vector<TapRow<T>> taps;
    for (int64_t r = window.rows.begin; r < window.rows.end; ++r) {
      if (const int64_t tap = tap_of(r); tap >= 0) taps.push_back({r, tap, window.Row(r)});
    }
    return taps;
  }
  /// The fine rows that meet a coarse one.
  std::vector<TapRow<T>> FineTaps(int64_t coarse, const RowWindow<const T>& fine) const {
    return Taps(fine, [&](int64_t r) { return s_.Tap(coarse, r); });
  }
};

/// The kernel for a shape: the table that says which is good for what, in choice.cc.
template <class T>
std::unique_ptr<Correlation<T>> ChooseCorrelation(const CorrelationShape& shape);

/// How many rows of what it writes a layer takes at once, whatever the kernel: by channels and kernel, since
/// panels have other widths.
int64_t RowsAtOnce(const CorrelationShape& shape);
/// Whether a layer that gathers is asked to Pull, likewise.
bool PullsGradient(const CorrelationShape& shape);

/// The name of the kernel that rounds all factors to bfloat16: rows, weights and gradients.
inline constexpr std::string_view kBFloat16Kernel = "onednn-bf16";

std::unique_ptr<Correlation<double>> MakeReferenceCorrelation(const CorrelationShape& shape);
/// For those that TakesHighway says.
std::unique_ptr<Correlation<float>> MakeHighwayCorrelation(const CorrelationShape& shape);
bool TakesHighway(const CorrelationShape& shape);
std::unique_ptr<Correlation<float>> MakePhasesCorrelation(const CorrelationShape& shape);
/// For one group only. With CorrelationShape::bfloat16, and where the processor multiplies such numbers, it
/// is kBFloat16Kernel.
std::unique_ptr<Correlation<float>> MakeOneDnnCorrelation(const CorrelationShape& shape);
/// For one group only. Weights stay where they are: they must outlive the kernel's use.
std::unique_ptr<Correlation<float>> MakeGemmCorrelation(const CorrelationShape& shape);

}  // namespace swath
