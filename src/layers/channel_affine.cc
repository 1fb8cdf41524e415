/// Add and Mul with a constant of one value a channel, or one in all (ONNX opset 7, 13, 14): normalisation of
/// the input, mostly. The constants are not trainable.
#include "layers/channel_affine.h"

#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class ChannelAffine final : public SimpleRowLayer<ChannelAffine> {
 public:
  explicit ChannelAffine(AffineKind affine) : affine_(affine) {}

  std::string_view type() const override { return affine_ == AffineKind::kAdd ? "Add" : "Mul"; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  AffineKind affine() const { return affine_; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectSources(srcs, 1);
    const Parameter& constant = *parameters.at(0);
    if (constant.trainable) {
      Fail(ErrorCode::kUnsupported, "constant '{}' cannot be trained; mark it as not trainable",
           constant.name);
    }
    if (constant.size() != 1) ExpectDims(constant, {srcs[0].channels}, "a constant");
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Shape& shape = dst->shape;
    for (int64_t c = 0; c < shape.channels; ++c) {
      const double k = ChannelValue(*args.parameters[0], c);
      for (int64_t i = 0; i < shape.height * shape.width; ++i) {
        dst->Row(c, 0)[i] =
            affine_ == AffineKind::kAdd ? args.srcs[0]->Row(c, 0)[i] + k : args.srcs[0]->Row(c, 0)[i] * k;
      }
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    const Shape& shape = dst.shape;
    for (int64_t c = 0; c < shape.channels; ++c) {
      const double k = affine_ == AffineKind::kAdd ? 1.0 : ChannelValue(*args.parameters[0], c);
      for (int64_t i = 0; i < shape.height * shape.width; ++i)
        diff_src->Row(c, 0)[i] += k * diff_dst.Row(c, 0)[i];
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      const T k = ChannelValue(*p[0], c);
      for (int64_t x = 0; x < context.dst.width; ++x) {
        row.dst[c][x] = affine_ == AffineKind::kAdd ? src[x] + k : src[x] * k;
      }
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const T k = affine_ == AffineKind::kAdd ? 1.0f : ChannelValue(*p[0], c);
      for (int64_t x = 0; x < context.dst.width; ++x) diff_src[x] += k * row.diff_dst[c][x];
    }
  }

 private:
  AffineKind affine_;
};

}  // namespace

float ChannelValue(const Parameter& constant, int64_t channel) {
  return constant.values[constant.size() == 1 ? 0 : static_cast<size_t>(channel)];
}

std::optional<AffineKind> ChannelAffineKind(const Layer& layer) {
  const auto* affine = dynamic_cast<const ChannelAffine*>(&layer);
  if (!affine) return std::nullopt;
  return affine->affine();
}

std::shared_ptr<const Layer> MakeChannelAdd() { return std::make_shared<ChannelAffine>(AffineKind::kAdd); }
std::shared_ptr<const Layer> MakeChannelMul() { return std::make_shared<ChannelAffine>(AffineKind::kMul); }

std::shared_ptr<const Layer> MulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader(attributes).Finish();
  for (const Parameter* constant : inputs) {
    if (constant) return MakeChannelMul();
  }
  Fail(ErrorCode::kUnsupported, "expected a constant factor, found two computed inputs");
}

}  // namespace swath
