/// Which kernel computes which convolution, and how many rows at once. The one place where this is decided,
/// by shape, when the plan is made; bench/kernels.cc measures what there is to choose from, docs/results.md
/// has its figures.
#include <algorithm>

#include "kernels/correlation.h"

namespace swath {
namespace {

/// oneDNN's convolutions work on vectors of channels. They overtake the row kernel, which works on vectors of
/// columns, where the narrower side has about this many channels times column taps: 32 at 3 × 3, 96 at 1 × 1.
constexpr int64_t kWide = 96;
/// And where it was measured: not for a few channels, nor for kernels of any length.
constexpr int64_t kLeastChannels = 16, kLongestKernel = 32;

bool IsWide(const CorrelationShape& shape) {
  const int64_t narrower = std::min(shape.coarse_channels, shape.fine_channels);
  const int64_t kernel = shape.columns.kernel;
  return shape.groups == 1 && narrower >= kLeastChannels && kernel <= kLongestKernel &&
         narrower * kernel >= kWide;
}

}  // namespace

int64_t RowsAtOnce(const CorrelationShape& shape) {
  if (IsWide(shape)) return 1;
  // The rows of a transposed convolution that read the same sources.
  if (shape.rows.kind == Window::Kind::kScatter && shape.rows.stride > 1)
    return std::min<int64_t>(shape.rows.stride, 4);
  // A value that is loaded enters into the sums of all rows that see it.
  return shape.rows.stride == 1 && shape.rows.kernel > 1 ? 4 : 1;
}

// Kernels for wide layers keep what they packed of a row for one call: rows that are seen again would be
// packed again.
bool PullsGradient(const CorrelationShape& shape) { return shape.rows.stride == 1 && !IsWide(shape); }

template <>
std::unique_ptr<Correlation<double>> ChooseCorrelation(const CorrelationShape& shape) {
  return MakeReferenceCorrelation(shape);
}

template <>
std::unique_ptr<Correlation<float>> ChooseCorrelation(const CorrelationShape& shape) {
  if (!IsWide(shape))
    return TakesHighway(shape) ? MakeHighwayCorrelation(shape) : MakePhasesCorrelation(shape);
  // A product of matrices is as good where there is nothing to lay out, but there is none of bfloat16.
  return shape.pack_weights && (shape.columns.kernel > 1 || shape.bfloat16) ? MakeOneDnnCorrelation(shape)
                                                                            : MakeGemmCorrelation(shape);
}

}  // namespace swath
