/// AveragePool (ONNX opset 7, 10, 11, 19).
#include "base/error.h"
#include "layers/operators.h"
#include "layers/pool.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class AveragePool final : public SimpleRowLayer<AveragePool> {
 public:
  explicit AveragePool(const PoolAttributes& pool) : pool_(pool) {}

  std::string_view type() const override { return "AveragePool"; }
  Attributes attributes() const override {
    Attributes out = PoolToOnnx(pool_);
    out["count_include_pad"] = int64_t{pool_.count_include_pad};
    return out;
  }
  Window rows(int64_t) const override { return pool_.rows; }
  Window columns(int64_t) const override { return pool_.columns; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    return PoolShape(pool_, srcs);
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Shape& src = args.srcs[0]->shape;
    for (int64_t c = 0; c < dst->shape.channels; ++c) {
      for (int64_t y = 0; y < dst->shape.height; ++y) {
        for (int64_t x = 0; x < dst->shape.width; ++x) {
          double sum = 0;
          ForTaps(pool_.rows, y, src.height, [&](int64_t, int64_t r) {
            ForTaps(pool_.columns, x, src.width,
                    [&](int64_t, int64_t column) { sum += args.srcs[0]->Row(c, r)[column]; });
          });
          dst->Row(c, y)[x] =
              sum / double(Divisor(pool_.rows, y, src.height) * Divisor(pool_.columns, x, src.width));
        }
      }
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    const Shape& src = args.srcs[0]->shape;
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      for (int64_t y = 0; y < dst.shape.height; ++y) {
        for (int64_t x = 0; x < dst.shape.width; ++x) {
          const double share = diff_dst.Row(c, y)[x] / double(Divisor(pool_.rows, y, src.height) *
                                                              Divisor(pool_.columns, x, src.width));
          ForTaps(pool_.rows, y, src.height, [&](int64_t, int64_t r) {
            ForTaps(pool_.columns, x, src.width,
                    [&](int64_t, int64_t column) { diff_src->Row(c, r)[column] += share; });
          });
        }
      }
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const Shape& src = context.srcs[0];
    const int64_t row_divisor = Divisor(pool_.rows, row.y, src.height);
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* dst = row.dst[c] - context.dst_columns.begin;
      std::fill_n(row.dst[c], context.width(), T(0));
      ForTaps(pool_.rows, row.y, src.height, [&](int64_t, int64_t r) {
        const T* values = row.srcs[0].At(r, c) - context.src_columns.begin;
        for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
          ForTaps(pool_.columns, x, src.width, [&](int64_t, int64_t column) { dst[x] += values[column]; });
        }
      });
      for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
        dst[x] /= static_cast<T>(row_divisor * Divisor(pool_.columns, x, src.width));
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    const Shape& src = context.srcs[0];
    const int64_t row_divisor = Divisor(pool_.rows, row.y, src.height);
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      ForTaps(pool_.rows, row.y, src.height, [&](int64_t, int64_t r) {
        T* diff_src = row.diff_srcs[0].At(r, c);
        if (!diff_src) return;
        diff_src -= context.src_columns.begin;
        const T* diff_dst = row.diff_dst[c] - context.dst_columns.begin;
        for (int64_t x = context.dst_columns.begin; x < context.dst_columns.end; ++x) {
          const T share = diff_dst[x] / static_cast<T>(row_divisor * Divisor(pool_.columns, x, src.width));
          ForTaps(pool_.columns, x, src.width, [&](int64_t, int64_t column) { diff_src[column] += share; });
        }
      });
    }
  }

 private:
  /// How many taps of a window count. Padding counts with count_include_pad, but what ceil_mode adds beyond
  /// it never.
  int64_t Divisor(const Window& window, int64_t y, int64_t size) const {
    int64_t count = 0;
    for (int64_t i = 0; i < window.kernel; ++i) {
      const int64_t src = y * window.stride - window.pad_begin + i * window.dilation;
      count += pool_.count_include_pad ? src < size + window.pad_end : src >= 0 && src < size;
    }
    return count;
  }

  PoolAttributes pool_;
};

}  // namespace

std::shared_ptr<const Layer> MakeAveragePool(const PoolAttributes& attributes) {
  return std::make_shared<AveragePool>(attributes);
}

std::shared_ptr<const Layer> AveragePoolFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  PoolAttributes pool = PoolFromOnnx(&reader);
  pool.count_include_pad = reader.Int("count_include_pad", 0) != 0;
  reader.Finish();
  return MakeAveragePool(pool);
}

}  // namespace swath
