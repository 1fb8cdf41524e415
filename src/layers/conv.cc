/// Conv (ONNX opset 1, 11, 22): any kernel, strides, dilations, pads and groups.
#include "base/error.h"
#include "layers/conv_common.h"
#include "layers/operators.h"

namespace swath {
namespace {

class Conv final : public RowLayer {
 public:
  explicit Conv(const ConvAttributes& conv) : conv_(conv) {}

  std::string_view type() const override { return "Conv"; }
  Attributes attributes() const override { return ConvAttributesToOnnx(conv_); }
  Window rows() const override { return conv_.rows; }
  Window columns() const override { return conv_.columns; }
  BackwardReads backward_reads() const override { return {.src = true}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    const Parameter& weights = *parameters.at(0);
    if (weights.dims.size() != 4)
      Fail(ErrorCode::kUnsupported, "weights '{}' are not four-dimensional", weights.name);
    ExpectDims(weights, {weights.dims[0], weights.dims[1], conv_.rows.kernel, conv_.columns.kernel},
               "weights");
    return ConvShape(conv_, srcs, parameters, weights.dims[1] * conv_.groups, weights.dims[0]);
  }

  int64_t MultiplyAdds(const std::vector<Shape>& srcs, const Shape& dst) const override {
    return dst.channels * dst.width * (srcs[0].channels / conv_.groups) * conv_.rows.kernel *
           conv_.columns.kernel;
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const std::vector<float>& weights = args.parameters[0]->values;
    const Tensor& src = *args.srcs[0];
    for (int64_t c = 0; c < dst->shape.channels && args.parameters.size() > 1; ++c) {
      const double bias = args.parameters[1]->values[static_cast<size_t>(c)];
      std::fill(dst->Row(c, 0), dst->Row(c, 0) + dst->shape.height * dst->shape.width, bias);
    }
    ForEachProduct(conv_, dst->shape, src.shape,
                   [&](int64_t c, int64_t y, int64_t x, int64_t fc, int64_t fy, int64_t fx, int64_t w) {
                     dst->Row(c, y)[x] += weights[static_cast<size_t>(w)] * src.Row(fc, fy)[fx];
                   });
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const std::vector<float>& weights = args.parameters[0]->values;
    const Tensor& src = *args.srcs[0];
    ReferenceBiasGradient(diff_dst, gradients);
    if (std::vector<double>* diff_weights = gradients.diff_parameters[0]) {
      ForEachProduct(conv_, dst.shape, src.shape,
                     [&](int64_t c, int64_t y, int64_t x, int64_t fc, int64_t fy, int64_t fx, int64_t w) {
                       (*diff_weights)[static_cast<size_t>(w)] += diff_dst.Row(c, y)[x] * src.Row(fc, fy)[fx];
                     });
    }
    if (Tensor* diff_src = gradients.diff_srcs[0]) {
      ForEachProduct(conv_, dst.shape, src.shape,
                     [&](int64_t c, int64_t y, int64_t x, int64_t fc, int64_t fy, int64_t fx, int64_t w) {
                       diff_src->Row(fc, fy)[fx] += weights[static_cast<size_t>(w)] * diff_dst.Row(c, y)[x];
                     });
    }
  }

  std::unique_ptr<RowKernel<float>> MakeKernelF32(const KernelContext& context) const override {
    return MakeConvKernel<float>(conv_, context);
  }
  std::unique_ptr<RowKernel<double>> MakeKernelF64(const KernelContext& context) const override {
    return MakeConvKernel<double>(conv_, context);
  }

 private:
  ConvAttributes conv_;
};

}  // namespace

std::shared_ptr<const Layer> MakeConv(const ConvAttributes& attributes) {
  return std::make_shared<Conv>(attributes);
}

std::shared_ptr<const Layer> ConvFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  return MakeConv(ConvAttributesFromOnnx(attributes, inputs, Window::Kind::kGather));
}

}  // namespace swath
