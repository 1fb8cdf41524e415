/// BatchNormalization (Ioffe & Szegedy 2015; ONNX opset 7, 9, 14, 15) with frozen statistics:
/// gamma · (x - mean) / √(variance + epsilon) + beta, where mean and variance are constants and gamma and
/// beta are trained. With the statistics of the image it is a NormalizationLayer, see image_normalization.cc.
#include <cmath>

#include "base/error.h"
#include "layers/normalization.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class FrozenBatchNormalization final : public SimpleRowLayer<FrozenBatchNormalization> {
 public:
  explicit FrozenBatchNormalization(const BatchNormalizationAttributes& attributes) : a_(attributes) {}

  std::string_view type() const override { return "BatchNormalization"; }
  Attributes attributes() const override { return ToOnnx(a_); }
  BackwardReads backward_reads() const override { return {.src = true}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList& parameters) const override {
    ExpectBatchNormalization(srcs, parameters);
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    const int64_t plane = dst->shape.height * dst->shape.width;
    for (int64_t c = 0; c < dst->shape.channels; ++c) {
      const Channel k = At(args.parameters, c);
      for (int64_t i = 0; i < plane; ++i)
        dst->Row(c, 0)[i] = k.gamma * ((args.srcs[0]->Row(c, 0)[i] - k.mean) * k.reciprocal) + k.beta;
    }
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    const int64_t plane = dst.shape.height * dst.shape.width;
    for (int64_t c = 0; c < dst.shape.channels; ++c) {
      const Channel k = At(args.parameters, c);
      double sum = 0, product = 0;
      for (int64_t i = 0; i < plane; ++i) {
        const double d = diff_dst.Row(c, 0)[i];
        sum += d;
        product += d * (args.srcs[0]->Row(c, 0)[i] - k.mean) * k.reciprocal;
        if (gradients.diff_srcs[0]) gradients.diff_srcs[0]->Row(c, 0)[i] += d * k.gamma * k.reciprocal;
      }
      if (gradients.diff_parameters[0]) (*gradients.diff_parameters[0])[static_cast<size_t>(c)] += product;
      if (gradients.diff_parameters[1]) (*gradients.diff_parameters[1])[static_cast<size_t>(c)] += sum;
    }
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const Channel k = At(p, c);
      Normalise(row.srcs[0].At(row.y, c), context.width(), {k.mean, k.reciprocal}, k.gamma, k.beta,
                row.dst[c]);
    }
  }

  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList& p) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const Channel k = At(p, c);
      const T* d = row.diff_dst[c];
      if (T* diff_src = row.diff_srcs[0].At(row.y, c)) {
        const double scale = k.gamma * k.reciprocal;
        for (int64_t x = 0; x < context.width(); ++x)
          diff_src[x] += static_cast<T>(static_cast<double>(d[x]) * scale);
      }
      if (!row.diff_parameters) continue;
      AddAffineGradient(row.srcs[0].At(row.y, c), d, context.width(), {k.mean, k.reciprocal},
                        row.diff_parameters[0] ? row.diff_parameters[0] + c : nullptr,
                        row.diff_parameters[1] ? row.diff_parameters[1] + c : nullptr);
    }
  }

 private:
  struct Channel {
    double gamma, beta, mean, reciprocal;
  };
  Channel At(const ParameterList& p, int64_t c) const {
    const auto value = [&](size_t i) { return static_cast<double>(p[i]->values[static_cast<size_t>(c)]); };
    return {value(0), value(1), value(2), 1 / std::sqrt(value(3) + a_.epsilon)};
  }

  BatchNormalizationAttributes a_;
};

}  // namespace

Attributes ToOnnx(const BatchNormalizationAttributes& attributes) {
  return {{"epsilon", attributes.epsilon}, {"momentum", attributes.momentum}};
}

void ExpectBatchNormalization(const std::vector<Shape>& srcs, const ParameterList& parameters) {
  ExpectSources(srcs, 1);
  if (parameters.size() != 4) {
    Fail(ErrorCode::kUnsupported, "expected scale, bias, mean and variance as constants, found {} of them",
         parameters.size());
  }
  for (const Parameter* parameter : parameters)
    ExpectDims(*parameter, {srcs[0].channels}, "scale, bias, mean or variance");
  for (size_t i = 2; i < 4; ++i) {
    if (parameters[i]->trainable)
      Fail(ErrorCode::kUnsupported, "statistics '{}' cannot be trained; mark them as not trainable",
           parameters[i]->name);
  }
  for (const float variance : parameters[3]->values) {
    if (!(variance >= 0))
      Fail(ErrorCode::kUnsupported, "variance '{}' holds {}, expected at least 0", parameters[3]->name,
           variance);
  }
}

std::shared_ptr<const Layer> MakeFrozenBatchNormalization(const BatchNormalizationAttributes& attributes) {
  return std::make_shared<FrozenBatchNormalization>(attributes);
}

std::shared_ptr<const Layer> BatchNormalizationFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  const BatchNormalizationAttributes batch{.epsilon = reader.Float("epsilon", static_cast<double>(1e-5f)),
                                           .momentum = reader.Float("momentum", static_cast<double>(0.9f))};
  reader.Int("training_mode", 0);  // who trains says what is normalised by, see SetBatchNormalization
  if (reader.Int("spatial", 1) != 1) Fail(ErrorCode::kUnsupported, "spatial is 0, expected 1");
  reader.Finish();
  return MakeFrozenBatchNormalization(batch);
}

}  // namespace swath
