/// Row kernels for operators whose arithmetic is a plain loop, written once for both row types.
#pragma once

#include <memory>
#include <string_view>

#include "layers/layer.h"

namespace swath {

/// Adapts a layer with `template <class T> void ForwardOneRow(const ForwardRow<T>&, const KernelContext&)
/// const` and `BackwardOneRow` to RowKernel<T>.
template <class T, class LayerType>
class SimpleKernel final : public RowKernel<T> {
 public:
  SimpleKernel(const LayerType& layer, const KernelContext& context) : layer_(layer), context_(context) {}

  std::string_view name() const override { return "reference"; }
  void SetParameters(const ParameterList& parameters) override { parameters_ = parameters; }
  void Forward(const ForwardRow<T>& row, Workspace*) const override {
    layer_.ForwardOneRow(row, context_, parameters_);
  }
  void Backward(const BackwardRow<T>& row, Workspace*) const override {
    layer_.BackwardOneRow(row, context_, parameters_);
  }

 private:
  const LayerType& layer_;  // outlives the kernel: the graph holds it
  KernelContext context_;
  ParameterList parameters_;
};

/// A RowLayer that runs on SimpleKernel.
template <class Derived>
class SimpleRowLayer : public RowLayer {
 public:
  std::unique_ptr<RowKernel<float>> MakeKernelF32(const KernelContext& context) const final {
    return std::make_unique<SimpleKernel<float, Derived>>(static_cast<const Derived&>(*this), context);
  }
  std::unique_ptr<RowKernel<double>> MakeKernelF64(const KernelContext& context) const final {
    return std::make_unique<SimpleKernel<double, Derived>>(static_cast<const Derived&>(*this), context);
  }
};

}  // namespace swath
