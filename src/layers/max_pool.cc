/// MaxPool (ONNX opset 8, 10, 11, 12). The gradient goes to the first maximum in row-major order.
#include <algorithm>
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
      std::fill_n(row.dst[c], context.width(), -std::numeric_limits<T>::infinity());
      ForTaps(pool_.rows, row.y, context.srcs[0].height, [&](int64_t, int64_t r) {
        ForColumnTaps(context, context.dst_columns, [&](int64_t tap, Range columns) {
          T* dst = row.dst[c] + columns.begin - context.dst_columns.begin;
          const T* values = src.At(r, c) + SrcColumn(columns.begin, tap) - context.src_columns.begin;
          for (int64_t x = 0; x < columns.size(); ++x) {
            const T value = values[x * pool_.columns.stride];
            dst[x] = value > dst[x] ? value : dst[x];
          }
        });
      });
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      // A channel either needs its gradient in every row or in none, and row y reads at least one.
      if (!row.diff_srcs[0].At(row.diff_srcs[0].rows.begin, c)) continue;
      for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; x += kColumns) {
        BackwardColumns(row, context, c, {x, std::min(x + kColumns, context.dst_columns.end)});
      }
    }
  }

 private:
  /// Whose maxima are looked for together, tap by tap; few enough for the stack.
  static constexpr int64_t kColumns = 256;

  int64_t SrcColumn(int64_t column, int64_t tap) const {
    return column * pool_.columns.stride - pool_.columns.pad_begin + tap * pool_.columns.dilation;
  }

  /// f(column tap, those of `columns` that read a pixel of the image through it).
  template <class F>
  void ForColumnTaps(const KernelContext& context, Range columns, F&& f) const {
    const int64_t stride = pool_.columns.stride;
    for (int64_t tap = 0; tap < pool_.columns.kernel; ++tap) {
      const int64_t first = SrcColumn(0, tap);
      const Range inside{std::max(columns.begin, CeilDiv(-first, stride)),
                         std::min(columns.end, CeilDiv(context.srcs[0].width - first, stride))};
      if (!inside.empty()) f(tap, inside);
    }
  }

  template <class T>
  void BackwardColumns(const BackwardRow<T>& row, const KernelContext& context, int64_t c,
                       Range columns) const {
    T best[kColumns];
    int32_t taps[kColumns];  ///< row tap · kernel + column tap of the first maximum, -1 for none yet
    std::fill_n(best, columns.size(), T{0});
    std::fill_n(taps, columns.size(), -1);
    const int64_t kernel = pool_.columns.kernel, stride = pool_.columns.stride;
    ForTaps(pool_.rows, row.y, context.srcs[0].height, [&](int64_t row_tap, int64_t r) {
      ForColumnTaps(context, columns, [&](int64_t tap, Range inside) {
        const T* values = row.srcs[0].At(r, c) + SrcColumn(inside.begin, tap) - context.src_columns.begin;
        T* const max = best + inside.begin - columns.begin;
        int32_t* const max_taps = taps + inside.begin - columns.begin;
        for (int64_t x = 0; x < inside.size(); ++x) {
          // Without a branch, which would be taken at random.
          const T value = values[x * stride];
          const bool better = (value > max[x]) | (max_taps[x] < 0);
          max[x] = better ? value : max[x];
          max_taps[x] = better ? static_cast<int32_t>(row_tap * kernel + tap) : max_taps[x];
        }
      });
    });
    const T* diff_dst = row.diff_dst[c] + columns.begin - context.dst_columns.begin;
    ForTaps(pool_.rows, row.y, context.srcs[0].height, [&](int64_t row_tap, int64_t r) {
      ForColumnTaps(context, columns, [&](int64_t tap, Range inside) {
        T* diff_src = row.diff_srcs[0].At(r, c) + SrcColumn(inside.begin, tap) - context.src_columns.begin;
        const int64_t first = inside.begin - columns.begin;
        const int32_t taken = static_cast<int32_t>(row_tap * kernel + tap);
        T parts[kColumns];
        for (int64_t x = 0; x < inside.size(); ++x) {
          const T diff = diff_dst[first + x];
          parts[x] = taps[first + x] == taken ? diff : T{0};
        }
        for (int64_t x = 0; x < inside.size(); ++x) diff_src[x * stride] += parts[x];
      });
    });
  }

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
