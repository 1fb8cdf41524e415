/// Concat along channels (ONNX opset 4, 11, 13).
#include "base/error.h"
#include "layers/operators.h"

namespace swath {
namespace {

class Concat final : public Layer {
 public:
  std::string_view type() const override { return "Concat"; }
  LayerKind kind() const override { return LayerKind::kConcat; }
  Attributes attributes() const override { return {{"axis", int64_t{1}}}; }

  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const override {
    Shape dst = srcs.at(0);
    for (size_t i = 1; i < srcs.size(); ++i) {
      if (srcs[i].height != dst.height || srcs[i].width != dst.width) {
        Fail(ErrorCode::kUnsupported, "expected inputs of one size, found {} rows × {} columns and {} × {}",
             dst.height, dst.width, srcs[i].height, srcs[i].width);
      }
      dst.channels += srcs[i].channels;
    }
    return dst;
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const override {
    auto out = dst->values.begin();
    for (const Tensor* src : args.srcs) out = std::copy(src->values.begin(), src->values.end(), out);
  }

  void ReferenceBackward(const ReferenceArgs& args, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const override {
    size_t offset = 0;
    for (size_t i = 0; i < args.srcs.size(); ++i) {
      const size_t size = args.srcs[i]->values.size();
      if (Tensor* diff_src = gradients.diff_srcs[i]) {
        for (size_t j = 0; j < size; ++j) diff_src->values[j] += diff_dst.values[offset + j];
      }
      offset += size;
    }
  }
};

}  // namespace

std::shared_ptr<const Layer> MakeConcat() { return std::make_shared<Concat>(); }

std::shared_ptr<const Layer> ConcatFromOnnx(const Attributes& attributes, const ConstantInputs& inputs) {
  AttributeReader reader(attributes);
  const int64_t axis = reader.Int("axis", 1);
  reader.Finish();
  if (axis != 1 && axis != -3) {
    Fail(ErrorCode::kUnsupported, "axis is {}, expected 1: only channels can be concatenated", axis);
  }
  for (const Parameter* constant : inputs) {
    if (constant)
      Fail(ErrorCode::kUnsupported, "input '{}' is a constant, expected computed inputs", constant->name);
  }
  return MakeConcat();
}

}  // namespace swath
