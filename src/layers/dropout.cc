/// Dropout (ONNX opset 7, 10, 12, 13, 22): in training a value is dropped with a probability of `ratio`, the
/// others are divided by 1 - ratio (Srivastava et al. 2014). What is dropped follows from the seed and the
/// value's place in the image, so that it does not depend on strips or panels, and is the same going back.
#include "base/error.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {
namespace {

class Dropout final : public SimpleRowLayer<Dropout> {
 public:
  explicit Dropout(double ratio) : ratio_(ratio) {}

  std::string_view type() const override { return "Dropout"; }
  std::vector<Setting> settings() const override { return {{"ratio", {ratio_}, Setting::Type::kScalar}}; }
  BackwardReads backward_reads() const override { return {.src = false}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    ExpectSources(srcs, 1);
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    ForEach(args.seed, dst->shape,
            [&](size_t i, double factor) { dst->values[i] = factor * args.srcs[0]->values[i]; });
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor& dst, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    ForEach(args.seed, dst.shape,
            [&](size_t i, double factor) { diff_src->values[i] += factor * diff_dst.values[i]; });
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < context.width(); ++x) {
        row.dst[c][x] = src[x] * static_cast<T>(Factor(row.seed, c, row.y, context.dst_columns.begin + x));
      }
    }
  }
  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      for (int64_t x = 0; x < context.width(); ++x) {
        diff_src[x] +=
            row.diff_dst[c][x] * static_cast<T>(Factor(row.seed, c, row.y, context.dst_columns.begin + x));
      }
    }
  }

 private:
  /// splitmix64 (Steele et al. 2014), which spreads neighbouring numbers over all 64 bits.
  static uint64_t Mix(uint64_t z) {
    z += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  double Factor(uint64_t seed, int64_t c, int64_t y, int64_t x) const {
    if (seed == 0) return 1;
    uint64_t hash = seed;
    for (const int64_t part : {c, y, x}) hash = Mix(hash ^ static_cast<uint64_t>(part));
    const double uniform = static_cast<double>(hash >> 11) * 0x1p-53;
    return uniform < ratio_ ? 0 : 1 / (1 - ratio_);
  }

  template <class F>
  void ForEach(uint64_t seed, const Shape& shape, F&& f) const {
    size_t i = 0;
    for (int64_t c = 0; c < shape.channels; ++c) {
      for (int64_t y = 0; y < shape.height; ++y) {
        for (int64_t x = 0; x < shape.width; ++x, ++i) f(i, Factor(seed, c, y, x));
      }
    }
  }

  double ratio_;
};

}  // namespace

std::shared_ptr<const Layer> MakeDropout(double ratio) {
  if (!(ratio >= 0 && ratio < 1))
    Fail(ErrorCode::kUnsupported, "ratio is {}, expected at least 0 and less than 1", ratio);
  return std::make_shared<Dropout>(ratio);
}

std::shared_ptr<const Layer> DropoutFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  double ratio = reader.Float("ratio", 0.5);  // until opset 10
  reader.Int("seed", 0);                      // seeds of frameworks cannot be reproduced; ours are the run's
  reader.Finish();
  if (inputs.size() > 1 && inputs[1] && inputs[1]->size() == 1) ratio = inputs[1]->values[0];
  return MakeDropout(ratio);
}

}  // namespace swath
