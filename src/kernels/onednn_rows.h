/// oneDNN's convolutions on single rows, [column, channel], on one thread. Factors are float32 or bfloat16,
/// results float32.
///
/// A row of `coarse` and a row of `fine` meet through the column taps of one row tap; what
/// kernels/correlation.h says of them holds here, without padding: the fine row begins at the first column
/// that a tap reads.
#pragma once

#include <cstdint>
#include <memory>

namespace swath::onednn {

struct RowShape {
  int64_t coarse_channels = 0;
  int64_t fine_channels = 0;
  int64_t coarse_width = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t row_taps = 1;  ///< of the layer: Unpack leaves room for those that it does not write

  int64_t fine_width() const { return (coarse_width - 1) * stride + (kernel - 1) * dilation + 1; }
};

enum class Operation {
  kGather,          ///< coarse = W · fine
  kScatter,         ///< fine = Wᵀ · coarse
  kWeightGradient,  ///< diff_weights = coarse ⊗ fine
};

/// What factors are.
enum class Factor { kFloat32, kBFloat16 };
constexpr int64_t FactorBytes(Factor factor) { return factor == Factor::kBFloat16 ? 2 : 4; }

/// Whether the processor multiplies bfloat16 faster than float32.
bool HasBFloat16();

/// One operation on one shape. Immutable, so any number of threads may run it at once. Weights are in
/// oneDNN's own layout, which differs from one operation to the other.
class RowPrimitive {
 public:
  /// Of the kernels for products of matrices: what 2.6 maps for them, with AVX2.
  static constexpr int64_t kMatrixCodeBytes = int64_t{3} << 20;

  RowPrimitive(Operation operation, const RowShape& shape, Factor factor);
  ~RowPrimitive();
  RowPrimitive(RowPrimitive&&) noexcept;
  RowPrimitive& operator=(RowPrimitive&&) noexcept;

  /// Bytes of the weights, or their gradient, in oneDNN's layout.
  int64_t weight_bytes() const;
  /// Bytes of scratch memory for one run.
  int64_t scratch_bytes() const;
  /// Bytes that the primitive holds itself: oneDNN generates its code into mappings of a fixed size, and
  /// describes what it multiplies.
  int64_t code_bytes() const;
  /// Bytes that oneDNN generates for products of matrices, once in a process, where the machine's vectors
  /// have no better way for this operation; else 0.
  int64_t matrix_code_bytes() const;

  /// Weights [coarse, fine, column tap] to factors in oneDNN's layout, for kGather and kScatter.
  void Pack(const float* weights, void* packed) const;
  /// A result back from it, for kWeightGradient: one row tap of [coarse, fine, row tap, column tap].
  void Unpack(const void* packed, float* weights) const;

  /// Overwrites the operation's result, reads the other two, which are factors.
  void Run(void* coarse, void* fine, void* packed_weights, void* scratch) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace swath::onednn
