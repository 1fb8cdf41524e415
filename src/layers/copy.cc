/// dst = src. Not an ONNX operator: the engine puts it where an activation, or the output, needs a tensor of
/// its own.
#include "layers/layers.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class Copy final : public SimpleRowLayer<Copy> {
 public:
  std::string_view type() const override { return "Copy"; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override { return srcs[0]; }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    dst->values = args.srcs[0]->values;
  }
  void ReferenceBackward(const ReferenceArgs&, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    if (!gradients.diff_srcs[0]) return;
    for (size_t i = 0; i < diff_dst.values.size(); ++i)
      gradients.diff_srcs[0]->values[i] += diff_dst.values[i];
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      std::copy_n(row.srcs[0].At(row.y, c), context.width(), row.dst[c]);
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      for (int64_t x = 0; x < context.width(); ++x) diff_src[x] += row.diff_dst[c][x];
    }
  }
};

}  // namespace

const RowLayer* CopyLayer() {
  static const Copy copy;
  return &copy;
}

}  // namespace swath
