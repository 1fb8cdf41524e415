/// oneDNN's convolutions on single rows, [column, channel], in float32 and on one thread.
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

  int64_t fine_width() const { return (coarse_width - 1) * stride + (kernel - 1) * dilation + 1; }
};

enum class Operation {
  kGather,          ///< coarse = W · fine
  kScatter,         ///< fine = Wᵀ · coarse
  kWeightGradient,  ///< diff_weights = coarse ⊗ fine
};

/// One operation on one shape. Immutable, so any number of threads may run it at once. Weights are in
/// oneDNN's own layout, which differs from one operation to the other.
class RowPrimitive {
 public:
  /// Of the kernels for products of matrices: what 2.6 maps for them, with AVX2.
  static constexpr int64_t kMatrixCodeBytes = int64_t{3} << 20;

  RowPrimitive(Operation operation, const RowShape& shape);
  ~RowPrimitive();
  RowPrimitive(RowPrimitive&&) noexcept;
  RowPrimitive& operator=(RowPrimitive&&) noexcept;

  /// Values of the weights in oneDNN's layout.
  int64_t weight_size() const;
  /// Bytes of scratch memory for one run.
  int64_t scratch_bytes() const;
  /// Bytes that the primitive holds itself: oneDNN generates its code into mappings of a fixed size.
  static constexpr int64_t code_bytes() { return kCodeBytes; }
  /// Bytes that oneDNN generates for products of matrices, once in a process, where the machine's vectors
  /// have no better way for this operation; else 0.
  int64_t matrix_code_bytes() const;

  /// Weights [coarse, fine, column tap] to oneDNN's layout, for kGather and kScatter.
  void Pack(const float* weights, float* packed) const;
  /// And back, for kWeightGradient.
  void Unpack(const float* packed, float* weights) const;

  /// Overwrites the operation's result, reads the other two.
  void Run(float* coarse, float* fine, float* packed_weights, void* scratch) const;

 private:
  // Two generated kernels, the operation and the reordering of its weights, in the mapping that oneDNN 2.6
  // makes for each.
  static constexpr int64_t kCodeBytes = 3 * (int64_t{256} << 10);

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace swath::onednn
