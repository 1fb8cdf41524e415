/// What pointwise functions share whose derivative needs their source; see pointwise.h for those that follow
/// from their own output and run in place.
#pragma once

#include <cmath>

#include "layers/layers.h"
#include "layers/operators.h"
#include "layers/simple_kernel.h"

namespace swath {

/// Derived supplies type() and `template <class T> T F(T x) const` and `T D(T x) const`, its derivative.
template <class Derived>
class UnaryLayer : public SimpleRowLayer<Derived> {
 public:
  BackwardReads backward_reads() const final { return {.src = true}; }
  Shape DstShape(const std::vector<Shape>& srcs, const ParameterList&) const final {
    ExpectSources(srcs, 1);
    return srcs[0];
  }

  void ReferenceForward(const ReferenceArgs& args, Tensor* dst) const final {
    for (size_t i = 0; i < dst->values.size(); ++i) dst->values[i] = self().F(args.srcs[0]->values[i]);
  }
  void ReferenceBackward(const ReferenceArgs& args, const Tensor&, const Tensor& diff_dst,
                         const ReferenceGradients& gradients) const final {
    Tensor* diff_src = gradients.diff_srcs[0];
    if (!diff_src) return;
    for (size_t i = 0; i < diff_dst.values.size(); ++i)
      diff_src->values[i] += diff_dst.values[i] * self().D(args.srcs[0]->values[i]);
  }

  template <class T>
  void ForwardOneRow(const ForwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      const T* src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < context.width(); ++x) row.dst[c][x] = self().F(src[x]);
    }
  }
  template <class T>
  void BackwardOneRow(const BackwardRow<T>& row, const KernelContext& context, const ParameterList&) const {
    for (int64_t c = 0; c < context.dst.channels; ++c) {
      T* diff_src = row.diff_srcs[0].At(row.y, c);
      if (!diff_src) continue;
      const T* src = row.srcs[0].At(row.y, c);
      for (int64_t x = 0; x < context.width(); ++x) diff_src[x] += row.diff_dst[c][x] * self().D(src[x]);
    }
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

/// The maker of a layer without attributes.
template <class LayerType>
std::shared_ptr<const Layer> PlainFromOnnx(const Attributes& attributes, const ConstantInputs&) {
  AttributeReader reader(attributes);
  reader.Finish();
  return std::make_shared<LayerType>();
}

}  // namespace swath
