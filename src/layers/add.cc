/// Add of two computed tensors of one shape (ONNX opset 7, 13, 14); with a constant it is channel_affine.cc.
#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class Add final : public SimpleRowLayer<Add> {
 public:
  std::string_view type() const override { return "Add"; }
  BackwardReads backward_reads() const override { return {.src = false}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 2);
    if (!(srcs[0] == srcs[1])) {
      Fail(ErrorCode::kUnsupported, "expected two inputs of one shape, found {} and {}", ToString(srcs[0]),
           ToString(srcs[1]));
    }
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    for (size_t i = 0; i < dst->values.size(); ++i) {
      dst->values[i] = args.srcs[0]->values[i] + args.srcs[1]->values[i];
    }
  }

  void ReferenceBackward(const ReferenceArgs&, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    for (Tensor* diff_src : gradients.diff_srcs) {
      if (!diff_src) continue;
      for (size_t i = 0; i < diff_dst.values.size(); ++i) diff_src->values[i] += diff_dst.values[i];
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* a = row.srcs[0].At(row.y, c);
      const T* b = row.srcs[1].At(row.y, c);
      for (int64_t x = 0; x < context.dst.width; ++x) row.dst[c][x] = a[x] + b[x];
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (const RowWindow<T>& diff_src : row.diff_srcs) {
      for (int64_t c = 0; c < context.dst.channels; ++c) {
        T* out = diff_src.At(row.y, c);
        if (!out) continue;
        for (int64_t x = 0; x < context.dst.width; ++x) out[x] += row.diff_dst[c][x];
      }
    }
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeAdd() { return std::make_shared<Add>(); }

std::shared_ptr<const Layer> AddFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader(attributes).Finish();
  for (const Parameter* constant : inputs) {
    if (constant) return MakeChannelAdd();
  }
  return MakeAdd();
}

}  // namespace swath
