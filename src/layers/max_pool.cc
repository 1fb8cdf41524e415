/// MaxPool (ONNX opset 8, 10, 11, 12). The gradient goes to the first maximum in row-major order.
#include <limits>

#include "base/error.h"
#include "layers/operators.h"
#include "layers/pool.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class MaxPool final : public SimpleRowLayer<MaxPool> {
 public:
  explicit MaxPool(const PoolAttributes& pool) : pool_(pool) {}

  std::string_view type() const override { return "MaxPool"; }
  Attributes attributes() const override { return PoolToOnnx(pool_); }
  Window rows(int64_t) const override { return pool_.rows; }
  Window columns(int64_t) const override { return pool_.columns; }
  BackwardReads backward_reads() const override { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    return PoolShape(pool_, srcs);
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Tensor& src = *args.srcs[0];
    ForEachOutput(dst->shape, [&](int64_t c, int64_t y, int64_t x) {
      const auto [row, column] = FirstMaximum(src, c, y, x);
      dst->Row(c, y)[x] = src.Row(c, row)[column];
    });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    ForEachOutput(dst.shape, [&](int64_t c, int64_t y, int64_t x) {
      const auto [row, column] = FirstMaximum(*args.srcs[0], c, y, x);
      diff_src->Row(c, row)[column] += diff_dst.Row(c, y)[x];
    });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const RowWindow<const T>& src = row.srcs[0];
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* dst = row.dst[c] - context.dst_columns.begin;
      std::fill_n(row.dst[c], context.width(), -std::numeric_limits<T>::infinity());
      ForTaps(pool_.rows, row.y, context.srcs[0].height, [&](int64_t, int64_t r) {
        const T* values = src.At(r, c) - context.src_columns.begin;
        for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
          ForTaps(pool_.columns, x, context.srcs[0].width, [&](int64_t, int64_t column) {
            if (values[column] > dst[x]) dst[x] = values[column];
          });
        }
      });
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      // A channel either needs its gradient in every row or in none, and row y reads at least one.
      if (!row.diff_srcs[0].At(row.diff_srcs[0].rows.begin, c)) continue;
      const T* diff_dst = row.diff_dst[c] - context.dst_columns.begin;
      for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
        T best = -std::numeric_limits<T>::infinity();
        int64_t best_row = -1, best_column = -1;
        ForTaps(pool_.rows, row.y, context.srcs[0].height, [&](int64_t, int64_t r) {
          const T* values = row.srcs[0].At(r, c) - context.src_columns.begin;
          ForTaps(pool_.columns, x, context.srcs[0].width, [&](int64_t, int64_t column) {
            if (best_row >= 0 && !(values[column] > best)) return;
            best = values[column];
            best_row = r;
            best_column = column;
          });
        });
        row.diff_srcs[0].At(best_row, c)[best_column - context.src_columns.begin] += diff_dst[x];
      }
    }
  }

 private:
  template <class F>
  static void ForEachOutput(const Shape& shape, F&& f) {
    for (int64_t c = 0; c < shape.channels; ++c) {
      for (int64_t y = 0; y < shape.height; ++y) {
        for (int64_t x = 0; x < shape.width; ++x) f(c, y, x);
      }
    }
  }

  std::pair<int64_t, int64_t> FirstMaximum(const Tensor& src, int64_t c, int64_t y, int64_t x) const {
    std::pair<int64_t, int64_t> best{-1, -1};
    for (int64_t i = 0; i < pool_.rows.kernel; ++i) {
      for (int64_t j = 0; j < pool_.columns.kernel; ++j) {
        const int64_t row = y * pool_.rows.stride - pool_.rows.pad_begin + i * pool_.rows.dilation;
        const int64_t column =
            x * pool_.columns.stride - pool_.columns.pad_begin + j * pool_.columns.dilation;
        if (row < 0 || row >= src.shape.height || column < 0 || column >= src.shape.width) continue;
        if (best.first < 0 || src.Row(c, row)[column] > src.Row(c, best.first)[best.second])
          best = {row, column};
      }
    }
    return best;
  }

  PoolAttributes pool_;
};

}  // namespace

std::shared_ptr<const Layer> MakeMaxPool(const PoolAttributes& attributes) {
  return std::make_shared<MaxPool>(attributes);
}

std::shared_ptr<const Layer> MaxPoolFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const PoolAttributes pool = PoolFromOnnx(&reader);
  reader.Int("storage_order", 0);  // concerns the indices only, which are a second output and refused
  reader.Finish();
  return MakeMaxPool(pool);
}

}  // namespace swath
