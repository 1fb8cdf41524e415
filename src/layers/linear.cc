/// Gemm (ONNX opset 7, 9, 11, 13) and MatMul (9, 13) of a tensor in core with constant weights: every line
/// along the last axis, K values, becomes alpha · (line · B) + beta · bias, N values.
#include "base/error.h"
#include "layers/operators.h"

namespace swath {
namespace {

class Linear final : public Layer {
 public:
  explicit Linear(const LinearAttributes& attributes) : a_(attributes) {}

  std::string_view type() const override { return a_.gemm ? "Gemm" : "MatMul"; }
  LayerKind kind() const override { return LayerKind::kCore; }
  Attributes attributes() const override {
    if (!a_.gemm) return {};
    return {{"alpha", a_.alpha}, {"beta", a_.beta}, {"transB", int64_t{a_.transposed}}};
  }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectSources(srcs, 1);
    const Parameter& weights = *parameters.at(0);
    if (weights.dims.size() != 2)
      Fail(ErrorCode::kUnsupported, "weights '{}' have {} dimensions, expected 2", weights.name,
           weights.dims.size());
    const int64_t k = weights.dims[a_.transposed ? 1 : 0], n = weights.dims[a_.transposed ? 0 : 1];
    if (srcs[0].width != k) {
      Fail(ErrorCode::kUnsupported,
           "the weights are for {} values, found {}: a network that flattens a map takes images of one size "
           "only",
           k, srcs[0].width);
    }
    if (parameters.size() > 1 && parameters[1]->size() != n && parameters[1]->size() != 1) {
      Fail(ErrorCode::kUnsupported, "bias '{}' has {} values, expected {}", parameters[1]->name,
           parameters[1]->size(), n);
    }
    return {srcs[0].channels, srcs[0].height, n};
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const Sizes s = Of(args, *dst);
    for (int64_t m = 0; m < s.lines; ++m) {
      const double* x = args.srcs[0]->values.data() + m * s.k;
      double* y = dst->values.data() + m * s.n;
      for (int64_t j = 0; j < s.n; ++j) y[j] = a_.beta * Bias(args, j);
      for (int64_t i = 0; i < s.k; ++i) {
        for (int64_t j = 0; j < s.n; ++j)
          y[j] += a_.alpha * x[i] * args.parameters[0]->values[Index(s, i, j)];
      }
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const Sizes s = Of(args, dst);
    for (int64_t m = 0; m < s.lines; ++m) {
      const double *x = args.srcs[0]->values.data() + m * s.k, *d = diff_dst.values.data() + m * s.n;
      for (int64_t i = 0; i < s.k; ++i) {
        double through = 0;
        for (int64_t j = 0; j < s.n; ++j) {
          through += d[j] * args.parameters[0]->values[Index(s, i, j)];
          if (gradients.diff_parameters[0])
            (*gradients.diff_parameters[0])[Index(s, i, j)] += a_.alpha * d[j] * x[i];
        }
        if (gradients.diff_srcs[0])
          gradients.diff_srcs[0]->values[static_cast<size_t>(m * s.k + i)] += a_.alpha * through;
      }
      if (args.parameters.size() < 2 || !gradients.diff_parameters[1]) continue;
      std::vector<double>& diff_bias = *gradients.diff_parameters[1];
      for (int64_t j = 0; j < s.n; ++j)
        diff_bias[diff_bias.size() == 1 ? 0 : static_cast<size_t>(j)] += a_.beta * d[j];
    }
  }

 private:
  struct Sizes {
    int64_t lines, k, n;
  };
  static Sizes Of(const ReferenceArgs& args, const Tensor& dst) {
    const Shape& src = args.srcs[0]->shape;
    return {src.channels * src.height, src.width, dst.shape.width};
  }
  size_t Index(const Sizes& s, int64_t i, int64_t j) const {
    return static_cast<size_t>(a_.transposed ? j * s.k + i : i * s.n + j);
  }
  static double Bias(const ReferenceArgs& args, int64_t j) {
    if (args.parameters.size() < 2) return 0;
    const std::vector<float>& values = args.parameters[1]->values;
    return values[values.size() == 1 ? 0 : static_cast<size_t>(j)];
  }

  LinearAttributes a_;
};

}  // namespace

std::shared_ptr<const Layer> MakeLinear(const LinearAttributes& attributes) {
  return std::make_shared<Linear>(attributes);
}

std::shared_ptr<const Layer> GemmFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  const LinearAttributes linear{.gemm = true,
                                .transposed = reader.Int("transB", 0) != 0,
                                .alpha = reader.Float("alpha", 1),
                                .beta = reader.Float("beta", 1)};
  if (reader.Int("transA", 0) != 0) Fail(ErrorCode::kUnsupported, "transA is 1, expected 0");
  reader.Finish();
  if (inputs.size() < 2 || inputs[0] || !inputs[1])
    Fail(ErrorCode::kUnsupported, "expected a computed A and a constant B");
  return MakeLinear(linear);
}

std::shared_ptr<const Layer> MatMulFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader(attributes).Finish();
  if (inputs.size() != 2 || inputs[0] || !inputs[1])
    Fail(ErrorCode::kUnsupported, "expected a computed A and a constant B");
  return MakeLinear({.gemm = false});
}

}  // namespace swath
